use std::path::{Path, PathBuf};

use patchbay_core::api::message::{Answer, Connect, Place, PlanView, Request};
use patchbay_core::api::view::{AppView, DriftKind};
use patchbay_core::client::Scope;
use patchbay_core::{Code, Error};
use serde_json::{Value, json};

use super::api::{World, original, place, world};

/// A folder that somebody works in.
fn folder(world: &World, name: &str) -> String {
    let folder = world.home.path().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.display().to_string()
}

fn at(client: &str, scope: Scope) -> Place {
    Place { scope, ..place(client) }
}

fn app(world: &World, id: &str) -> AppView {
    world.snapshot().apps.into_iter().find(|app| app.id == id).expect("an app")
}

fn json_of(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

async fn connect(world: &World, places: Vec<Place>) -> Result<(), Error> {
    let (_, token) = world.token(&["profile:read"]).await;
    world.connect(Connect { places, ..world.notes() }, Some(&token)).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_all_scopes_are_shown_with_where_they_stand() {
    let world = world().await;
    let (shared, alone, plain) = (folder(&world, "shared"), folder(&world, "alone"), folder(&world, "plain"));
    let projects = json!({
        &shared: { "mcpServers": {}, "history": [] },
        &alone: { "mcpServers": { "mine": { "command": "m", "env": { "API_TOKEN": "s3cretvalue12345678" } } } },
        &plain: {},
    });
    world.home.write(
        "claude-code",
        &json!({ "mcpServers": { "own": { "command": "o" } }, "projects": projects }).to_string(),
    );
    let file = Path::new(&shared).join(".mcp.json");
    std::fs::write(&file, r#"{"mcpServers": {"ours": {"type": "http", "url": "https://x.example/mcp"}}}"#)
        .expect("written");

    let app = app(&world, "claude-code");
    assert_eq!(app.entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["own"]);
    let seen: Vec<_> = app.further.iter().map(|source| (source.scope.clone(), source.path.clone())).collect();
    let main = world.home.file("claude-code").display().to_string();
    assert_eq!(seen, [(Scope::Local(alone), main), (Scope::Project(shared), file.display().to_string())]);
    assert_eq!(app.further[0].entries[0].plain_text, ["env.API_TOKEN"]);
    assert_eq!(app.further[1].entries[0].target, "https://x.example/mcp");
}

#[tokio::test(flavor = "multi_thread")]
async fn codex_reads_only_the_files_of_folders_it_trusts() {
    let world = world().await;
    let (trusted, other) = (folder(&world, "trusted"), folder(&world, "other"));
    for name in [&trusted, &other] {
        std::fs::create_dir_all(Path::new(name).join(".codex")).expect("a folder");
        std::fs::write(Path::new(name).join(".codex/config.toml"), "[mcp_servers.x]\ncommand = \"c\"\n")
            .expect("written");
    }
    let main = format!(
        "[projects.\"{trusted}\"]\ntrust_level = \"trusted\"\n[projects.\"{other}\"]\ntrust_level = \"untrusted\"\n"
    );
    world.home.write("codex", &main);
    let scopes: Vec<_> = app(&world, "codex").further.into_iter().map(|source| source.scope).collect();
    assert_eq!(scopes, [Scope::Project(trusted)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_file_of_one_folder_is_told_and_hides_nothing_else() {
    let world = world().await;
    let (broken, fine) = (folder(&world, "broken"), folder(&world, "fine"));
    world.home.write("claude-code", &json!({ "projects": { &broken: {}, &fine: {} } }).to_string());
    std::fs::write(Path::new(&broken).join(".mcp.json"), "{\"mcpServers\": {,}}").expect("written");
    std::fs::write(Path::new(&fine).join(".mcp.json"), "{\"mcpServers\": {\"a\": {\"command\": \"c\"}}}")
        .expect("written");
    let app = app(&world, "claude-code");
    assert_eq!(app.problem, None);
    let problem = app.further[0].problem.as_ref().expect("a problem");
    assert_eq!((problem.code, app.further[1].entries.len()), (Code::FileSyntax, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_app_can_have_a_connection_in_several_scopes_and_one_file_is_written_once() {
    let world = world().await;
    let (here, there) = (folder(&world, "here"), folder(&world, "there"));
    let places = vec![
        place("claude-code"),
        at("claude-code", Scope::Local(here.clone())),
        at("claude-code", Scope::Project(there.clone())),
        at("codex", Scope::Project(there.clone())),
    ];
    connect(&world, places.clone()).await.expect("it connects");
    let main = json_of(world.home.file("claude-code"));
    let shared = json_of(Path::new(&there).join(".mcp.json"));
    let entry = &main["mcpServers"]["my-notes"];
    assert_eq!(entry["args"], json!(["bridge", "my-notes"]));
    assert_eq!(&main["projects"][&here]["mcpServers"]["my-notes"], entry);
    assert_eq!(&shared["mcpServers"]["my-notes"], entry);
    let codex = std::fs::read_to_string(Path::new(&there).join(".codex/config.toml")).expect("text");
    assert!(codex.contains("[mcp_servers.my-notes]"), "{codex}");
    assert_eq!(world.home.read("codex"), original()[2], "the user's own file is as it was");
    assert_eq!(world.snapshot().connections[0].used_in.len(), 4);
    assert_eq!(world.patchbay.drift().expect("a look"), []);

    // One scope goes, the others stay.
    let fewer = places.iter().filter(|place| !matches!(place.scope, Scope::Local(_))).cloned().collect();
    world.do_it(Request::Place { id: "my-notes".into(), places: fewer, expected: None }).await.expect("placed");
    let main = json_of(world.home.file("claude-code"));
    assert!(main["mcpServers"]["my-notes"].is_object());
    assert!(main["projects"][&here]["mcpServers"]["my-notes"].is_null(), "{main}");

    world.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await.expect("removed");
    assert_eq!(world.home.read("claude-code"), original()[1], "byte for byte");
    assert!(!Path::new(&there).join(".mcp.json").exists(), "a file that was not there before goes again");
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_takes_back_all_scopes_of_a_file_at_once() {
    let world = world().await;
    let here = folder(&world, "here");
    let places = vec![place("claude-code"), at("claude-code", Scope::Local(here.clone()))];
    connect(&world, places).await.expect("it connects");
    // Somebody else writes in between.
    let mut main = json_of(world.home.file("claude-code"));
    main["numStartups"] = json!(4);
    main["projects"][&here]["history"] = json!(["hello"]);
    world.home.write("claude-code", &main.to_string());
    world.do_it(Request::Undo { change: None }).await.expect("undone");
    let main = json_of(world.home.file("claude-code"));
    assert_eq!((&main["numStartups"], &main["projects"][&here]["history"]), (&json!(4), &json!(["hello"])));
    assert!(main["mcpServers"]["my-notes"].is_null() && main["projects"][&here]["mcpServers"]["my-notes"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_one_scope_is_put_back_there_and_nowhere_else() {
    let world = world().await;
    let here = folder(&world, "here");
    let scope = Scope::Local(here.clone());
    connect(&world, vec![place("claude-code"), at("claude-code", scope.clone())]).await.expect("it connects");
    let written = world.home.read("claude-code");
    let mut main: Value = serde_json::from_str(&written).expect("JSON");
    main["projects"][&here]["mcpServers"]["my-notes"]["command"] = json!("other");
    world.home.write("claude-code", &main.to_string());
    let found = world.patchbay.drift().expect("a look");
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, &found[0].scope), (DriftKind::Changed, &scope));
    let put_back = Request::PutBack { id: "my-notes".into(), client: "claude-code".into(), scope };
    world.do_it(put_back).await.expect("put back");
    assert_eq!(json_of(world.home.file("claude-code")), serde_json::from_str::<Value>(&written).expect("JSON"));
    assert_eq!(world.patchbay.drift().expect("a look"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_that_an_app_does_not_have_are_refused_and_nothing_is_written() {
    let world = world().await;
    let here = folder(&world, "here");
    let before = world.files();
    for (client, scope, code) in [
        ("codex", Scope::Local(here.clone()), Code::ScopeUnsupported),
        ("claude-desktop", Scope::Project(here.clone()), Code::ScopeUnsupported),
        ("claude-code", Scope::Managed, Code::SetByAdministrator),
    ] {
        let refused = connect(&world, vec![at(client, scope)]).await.expect_err("it is refused");
        assert_eq!(refused.code, code, "{client}");
    }
    assert_eq!(world.files(), before);
    assert!(world.snapshot().connections.is_empty());
}

async fn planned(world: &World) -> PlanView {
    let Ok(Answer::Plan(plan)) = world.do_it(Request::PlanConnect { connect: world.notes() }).await else {
        panic!("no plan")
    };
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_applied_although_its_file_changed_elsewhere_because_it_means_the_same() {
    let world = world().await;
    let plan = planned(&world).await;
    assert_eq!(plan.files.len(), 3);
    assert!(plan.files[2].diff.contains("+[mcp_servers.my-notes]"), "{}", plan.files[2].diff);
    world.home.write("codex", "model = \"other\"\n");
    world.do_it(Request::Connect { connect: world.notes(), expected: Some(plan.expected) }).await.expect("applied");
    let codex = world.home.read("codex");
    assert!(codex.starts_with("model = \"other\"\n") && codex.contains("[mcp_servers.my-notes]"), "{codex}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_means_something_else_by_now_is_refused_and_shown_anew() {
    let world = world().await;
    world.connected().await;
    let Ok(Answer::Plan(plan)) = world.do_it(Request::PlanRemove { id: "my-notes".into() }).await else {
        panic!("no plan")
    };
    // What would be taken out is no longer what was shown.
    let mine = world.home.read("codex").replace("args = [\"bridge\", \"my-notes\"]", "args = [\"mine\"]");
    world.home.write("codex", &mine);
    let before = world.files();
    let request = Request::Remove { id: "my-notes".into(), expected: Some(plan.expected) };
    assert_eq!(world.do_it(request).await.expect_err("it is refused").code, Code::FileChanged);
    assert_eq!(world.files(), before);
    let Ok(Answer::Plan(again)) = world.do_it(Request::PlanRemove { id: "my-notes".into() }).await else {
        panic!("no plan")
    };
    world.do_it(Request::Remove { id: "my-notes".into(), expected: Some(again.expected) }).await.expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_came_or_went_since_it_was_shown_is_another_plan() {
    let world = world().await;
    let plan = planned(&world).await;
    std::fs::remove_file(world.home.file("codex")).expect("removed");
    let request = Request::Connect { connect: world.notes(), expected: Some(plan.expected) };
    assert_eq!(world.do_it(request).await.expect_err("it is refused").code, Code::FileChanged);
    assert_eq!(PathBuf::from(&planned(&world).await.files[2].path), world.home.file("codex"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_folders_in_a_large_file_are_all_read_and_written_in_their_places() {
    let world = world().await;
    let filler = "x".repeat(2000);
    let mut projects = serde_json::Map::new();
    for n in 0..200 {
        let servers = json!({ format!("own-{n}"): { "command": "c" } });
        projects.insert(format!("/srv/{n}"), json!({ "mcpServers": servers, "history": [&filler] }));
    }
    world.home.write("claude-code", &json!({ "projects": projects }).to_string());
    let seen = app(&world, "claude-code").further;
    assert_eq!(seen.len(), 200);
    for (n, source) in seen.iter().enumerate() {
        assert_eq!(source.scope, Scope::Local(format!("/srv/{n}")));
        assert_eq!(source.entries[0].name, format!("own-{n}"));
    }
    let before = world.home.read("claude-code");
    connect(&world, vec![at("claude-code", Scope::Local("/srv/150".into()))]).await.expect("it connects");
    let main = json_of(world.home.file("claude-code"));
    assert!(main["projects"]["/srv/150"]["mcpServers"]["my-notes"].is_object());
    world.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await.expect("removed");
    assert_eq!(world.home.read("claude-code"), before);
}

/// Another program rewrites the whole file all the time; what the user is told is what is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_folders_entry_is_set_and_taken_out_beside_a_program_that_writes_all_the_time() {
    let world = world().await;
    let here = folder(&world, "here");
    let file = world.home.file("claude-code");
    std::fs::write(&file, json!({ "count": 0, "projects": { &here: { "mcpServers": {} } } }).to_string())
        .expect("written");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (stopped, target) = (stop.clone(), file.clone());
    let other = std::thread::spawn(move || {
        let mut count = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            // Claude Code's own way: under its lock, read, renamed into place.
            let lock = target.with_file_name(".claude.json.lock");
            if std::fs::create_dir(&lock).is_ok() {
                count += 1;
                let mut all = json_of(&target);
                all["count"] = json!(count);
                let spare = target.with_file_name("spare");
                std::fs::write(&spare, all.to_string()).expect("written");
                std::fs::rename(&spare, &target).expect("renamed");
                std::fs::remove_dir(&lock).expect("unlocked");
            }
            std::thread::sleep(std::time::Duration::from_millis(6));
        }
        count
    });
    let place = at("claude-code", Scope::Local(here.clone()));
    let there = || json_of(&file)["projects"][&here]["mcpServers"]["my-notes"].is_object();
    connect(&world, vec![place.clone()]).await.expect("it connects");
    for _ in 0..20 {
        let none = Request::Place { id: "my-notes".into(), places: Vec::new(), expected: None };
        world.do_it(none).await.expect("taken out");
        assert!(!there());
        let again = Request::Place { id: "my-notes".into(), places: vec![place.clone()], expected: None };
        world.do_it(again).await.expect("put in");
        assert!(there());
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let count = other.join().expect("the file was whole at every look");
    assert_eq!(json_of(&file)["count"], json!(count), "nothing of theirs is lost");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_folders_file_is_made_for_all_who_work_there_and_the_users_own_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |file: &Path| std::fs::metadata(file).expect("a file").permissions().mode() & 0o777;
    let world = world().await;
    let folder = folder(&world, "shared");
    let (theirs, own) = (Path::new(&folder).join(".mcp.json"), world.home.file("codex"));
    let plain = Path::new(&folder).join("plain");
    std::fs::write(&plain, "as any program makes it").expect("written");
    std::fs::remove_file(&own).expect("removed");
    let places = vec![at("claude-code", Scope::Project(folder)), Place { create: true, ..place("codex") }];
    connect(&world, places).await.expect("connected");
    assert_eq!((mode(&theirs), mode(&own)), (mode(&plain), 0o600));

    world.do_it(Request::Remove { id: "my-notes".into(), expected: None }).await.expect("removed");
    assert!(!theirs.exists() && !own.exists(), "they were not there before");
    world.do_it(Request::Undo { change: None }).await.expect("undone");
    assert_eq!((mode(&theirs), mode(&own)), (mode(&plain), 0o600), "made once more");
}
