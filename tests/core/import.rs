//! Bringing in what the apps have: what is grouped, what moves, that no token stays behind, and the way back.

#[path = "import/copy.rs"]
mod copy;
#[path = "import/headers.rs"]
mod headers;
#[path = "import/programs.rs"]
mod programs;

use patchbay_core::api::message::{Answer, Connected, FoundView, Import, Request};
use patchbay_core::api::view::{ActivityKind, FoundBlock, FoundLeft, FoundNote, Status};
use patchbay_core::client::Scope;
use patchbay_core::probe::Verdict;
use patchbay_core::{Code, Error};
use rstest::rstest;
use serde_json::{Value, json};

use super::api::{World, world};

impl World {
    async fn found(&self) -> Vec<FoundView> {
        match self.do_it(Request::Found).await.expect("a list") {
            Answer::Found(found) => found,
            other => panic!("{other:?}"),
        }
    }

    /// What was found of an entry.
    pub(crate) async fn found_with(&self, entry: &str) -> FoundView {
        let found = self.found().await;
        let has = |one: &&FoundView| one.entries.iter().any(|stands| stands.entry == entry);
        found.iter().find(has).unwrap_or_else(|| panic!("{entry}: {found:?}")).clone()
    }

    pub(crate) async fn import(&self, entry: &str) -> Result<Connected, Error> {
        let import = Import { id: self.found_with(entry).await.id, ..Import::default() };
        let Answer::Plan(plan) = self.do_it(Request::PlanImport { import: import.clone() }).await? else {
            panic!("no plan")
        };
        match self.do_it(Request::Import { import, expected: Some(plan.expected) }).await? {
            Answer::Connected(done) => Ok(done),
            other => panic!("{other:?}"),
        }
    }

    fn json(&self, client: &str) -> Value {
        serde_json::from_str(&self.home.read(client)).expect("JSON")
    }

    /// The three ways in which people write the same service down.
    fn three_ways(&self, tokens: [&str; 3]) {
        let url = self.practice.mcp_url();
        let args = ["-y", "mcp-remote@latest", &url, "--header", "Authorization:${AUTH_HEADER}", "--allow-http"];
        let desktop = json!({ "theme": "dark", "mcpServers": { "own": { "command": "x" }, "my-notes": {
            "command": "npx", "args": args, "env": { "AUTH_HEADER": format!("Bearer {}", tokens[0]) } } } });
        self.home.write("claude-desktop", &format!("{desktop:#}\r\n"));
        let code = json!({ "mcpServers": { "notes": {
            "type": "http", "url": url, "headers": { "Authorization": format!("Bearer {}", tokens[1]) }, "timeout": 9000 } } });
        self.home.write("claude-code", &code.to_string());
        let codex = format!(
            "# mine\nmodel = \"x\"\n[mcp_servers.notes]\nurl = \"{url}/\" # here\nhttp_headers = {{ Authorization = \"Bearer {}\" }}\n",
            tokens[2]
        );
        self.home.write("codex", &codex);
    }

    /// No file of the user's, nor the state, holds it; what the history keeps of the files before is told.
    fn is_gone(&self, token: &str) {
        let history = self.home.data().join("history");
        let found = self.home.files_with(token);
        assert!(found.iter().all(|path| path.starts_with(&history)), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_service_in_three_apps_becomes_one_connection_and_no_token_stays_in_a_file() {
    let world = world().await;
    let (_, token) = world.token(&["profile:read", "notes:read"]).await;
    world.three_ways([&token, &token, &token]);
    let before = world.files();

    let found = world.found_with("my-notes").await;
    assert_eq!(
        found.entries.iter().map(|entry| entry.client.as_str()).collect::<Vec<_>>(),
        ["claude-desktop", "claude-code", "codex"]
    );
    assert_eq!(found.entries[0].through.as_deref(), Some("mcp-remote"));
    let at: Vec<_> = found.tokens[0].places.iter().map(|place| place.at.as_str()).collect();
    assert_eq!(
        (found.tokens.len(), at),
        (1, vec!["env.AUTH_HEADER", "headers.Authorization", "http_headers.Authorization"])
    );
    assert!(found.worthwhile && found.blocked.is_none());
    let shown = serde_json::to_string(&world.found().await).expect("JSON");
    assert!(!shown.contains(&token), "the list shows no token");

    let done = world.import("my-notes").await.expect("brought in");
    assert_eq!(world.secrets(), 1);
    world.is_gone(&token);
    assert_eq!(world.json("claude-desktop")["mcpServers"]["my-notes"]["args"], json!(["bridge", done.id]));
    assert_eq!(world.json("claude-code")["mcpServers"]["notes"]["timeout"], 9000, "the rest of the entry stays");
    assert!(world.home.read("codex").starts_with("# mine\nmodel = \"x\"\n[mcp_servers.notes]\n"));
    assert_eq!(world.verdict().await, Verdict::Working);
    let snapshot = world.snapshot();
    let view = &snapshot.connections[0];
    assert_eq!((view.status, view.used_in.len()), (Status::Working, 3));
    assert!(view.used_in.iter().all(|place| place.drift.is_none()));
    assert_eq!(snapshot.activity[0].kind, ActivityKind::Imported);
    assert!(world.found().await.iter().all(|one| one.entries.iter().all(|entry| entry.entry == "own")));

    world.do_it(Request::Undo { change: done.change }).await.expect("undone");
    assert_eq!(world.files(), before);
    assert_eq!(world.found_with("my-notes").await.joins.as_deref(), Some(done.id.as_str()));
    world.import("my-notes").await.expect("once more");
    assert_eq!((world.snapshot().connections.len(), world.secrets()), (1, 1), "into the connection there was");
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_with_tokens_of_their_own_keep_their_own() {
    let world = world().await;
    let (_, first) = world.token(&["profile:read"]).await;
    let (_, second) = world.token(&["profile:read"]).await;
    world.three_ways([&first, &second, &first]);
    let found = world.found_with("my-notes").await;
    assert_eq!((found.tokens.len(), found.notes.contains(&FoundNote::DifferentTokens)), (2, true));
    world.import("my-notes").await.expect("brought in");
    world.is_gone(&first);
    world.is_gone(&second);
    let state = world.patchbay.state().expect("the state");
    let connection = &state.connections[0];
    for (client, token) in [("claude-desktop", &first), ("claude-code", &second), ("codex", &first)] {
        let place = connection.placements.iter().find(|place| place.client == client);
        let credential = connection.credential_for(place).expect("a token");
        assert_eq!(world.stored(&credential.key()).as_ref(), Some(token), "{client}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_of_one_app_with_tokens_of_their_own_become_connections_of_their_own() {
    let world = world().await;
    let (_, first) = world.token(&["profile:read"]).await;
    let (_, second) = world.token(&["profile:read"]).await;
    let folder = world.home.path().display().to_string();
    let entry = |token: &str| json!({ "type": "http", "url": world.practice.mcp_url(), "headers": { "Authorization": format!("Bearer {token}") } });
    let code = json!({ "mcpServers": { "notes": entry(&first) },
        "projects": { &folder: { "mcpServers": { "notes": entry(&second) } } } });
    world.home.write("claude-code", &code.to_string());
    let found: Vec<_> = world.found().await.into_iter().filter(|one| !one.program).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|one| one.notes.is_empty() && one.worthwhile), "{found:?}");
    for one in found {
        let import = Import { id: one.id, ..Import::default() };
        world.do_it(Request::Import { import, expected: None }).await.expect("brought in");
    }
    world.is_gone(&first);
    world.is_gone(&second);
    let code = world.json("claude-code");
    let state = world.patchbay.state().expect("the state");
    for (token, entry) in
        [(&first, &code["mcpServers"]["notes"]), (&second, &code["projects"][&folder]["mcpServers"]["notes"])]
    {
        let connection = state.connection(entry["args"][1].as_str().expect("an id")).expect("a connection");
        assert_eq!((connection.credentials.len(), connection.placements.len()), (1, 1));
        assert_eq!(world.stored(&connection.credentials[0].key()).as_ref(), Some(token));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_cannot_use_another_token_of_the_connection_in_a_folder() {
    let world = world().await;
    let (_, first) = world.token(&["profile:read"]).await;
    let (_, second) = world.token(&["profile:read"]).await;
    world.three_ways([&first, &second, &first]);
    let id = world.import("my-notes").await.expect("brought in").id;
    let connection = world.patchbay.state().expect("the state").connections[0].clone();
    let own = connection.placements.iter().find(|place| place.client == "claude-code").expect("placed");
    let folder = Scope::Local(world.home.path().display().to_string());
    let mut places: Vec<_> = ["claude-desktop", "claude-code", "codex"].map(super::api::place).into();
    places[1].token.clone_from(&own.credential);
    let place = |token: Option<String>| {
        let mut more = super::api::place("claude-code");
        (more.scope, more.token) = (folder.clone(), token);
        let places = places.iter().cloned().chain([more]).collect();
        Request::Place { id: id.clone(), places, expected: None }
    };
    let refused = world.do_it(place(None)).await.expect_err("the first token, and not the app's own");
    assert_eq!((refused.code, refused.field.as_deref()), (Code::ScopeUnsupported, Some("app")));
    world.do_it(place(own.credential.clone())).await.expect("the same token");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_cut_short_between_two_files_is_taken_back_and_can_be_made_again() {
    let world = world().await;
    let (_, token) = world.token(&["profile:read"]).await;
    world.three_ways([&token, &token, &token]);
    let before = world.files();
    world.import("my-notes").await.expect("brought in");
    let newest = world.home.data().join("history").join(&world.snapshot().activity[0].id).join("record.json");
    edit(&newest, |record| record["status"] = json!("pending"));
    edit(&world.home.data().join("state.json"), |state| state["connections"][0]["placements"] = json!([]));
    world.home.write("codex", &before[2]);
    world.patchbay.settle().await.expect("settled");
    assert_eq!(world.files(), before);
    world.import("my-notes").await.expect("brought in");
    assert_eq!((world.snapshot().connections.len(), world.secrets()), (1, 1));
    world.is_gone(&token);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_cut_short_before_its_connection_was_saved_leaves_no_token() {
    let world = world().await;
    world.three_ways(["canary-0123456789"; 3]);
    world.import("my-notes").await.expect("brought in");
    let state = world.patchbay.state().expect("the state");
    assert_eq!(state.importing, Vec::<String>::new(), "nothing is left to be cleared");
    let owned = state.connections[0].credentials[0].key();
    let orphan = patchbay_core::secret::Key::new("t-01234567", "https://example.com");
    world.put(&orphan, "canary-orphan");
    edit(&world.home.data().join("state.json"), |state| state["importing"] = json!([orphan.as_str(), owned.as_str()]));
    world.patchbay.settle().await.expect("settled");
    assert_eq!((world.stored(&orphan), world.stored(&owned).as_deref()), (None, Some("canary-0123456789")));
    assert_eq!(world.patchbay.state().expect("the state").importing, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_cannot_be_written_leaves_nothing_behind() {
    let world = world().await;
    world.three_ways(["canary-0123456789"; 3]);
    let import = Import { id: world.found_with("my-notes").await.id, ..Import::default() };
    let expected = Some([("/elsewhere".to_owned(), "x".to_owned())].into());
    let refused = world.do_it(Request::Import { import: import.clone(), expected }).await;
    assert_eq!(refused.err().map(|error| error.code), Some(Code::FileChanged));
    std::fs::create_dir(world.home.path().join(".claude.json.lock")).expect("the app's lock");
    std::fs::remove_dir_all(world.home.data().join("history")).unwrap_or_default();
    std::fs::create_dir_all(world.home.data()).expect("a folder");
    std::fs::write(world.home.data().join("history"), "in the way").expect("writable");
    let before = world.files();
    world.do_it(Request::Import { import, expected: None }).await.expect_err("the history cannot be written");
    assert_eq!(world.files(), before);
    assert_eq!((world.secrets(), world.patchbay.state().expect("the state").connections.len()), (0, 0));
}

#[rstest]
#[case::not_encrypted(json!({ "url": "http://example.com/mcp", "type": "http" }), Some(FoundBlock::AddressNotHttps), None)]
#[case::token_in_the_address(json!({ "command": "npx", "args": ["mcp-remote", "https://example.com/mcp?api_key=canary0123456789"] }), Some(FoundBlock::AddressHasToken), None)]
#[case::two_in_one_header(json!({ "command": "npx", "args": ["mcp-remote", "https://example.com/mcp", "--header", "X-Api-Key:canary0123456789", "--header", "X-Api-Key:canary0123456780"] }), Some(FoundBlock::SeveralSecrets), None)]
#[case::in_the_arguments(json!({ "command": "server", "args": ["--token", "canary0123456789"] }), Some(FoundBlock::TokenInArguments), None)]
#[case::in_a_shells_line(json!({ "command": "bash", "args": ["-c", "API_TOKEN=canary0123456789 exec node s.js"] }), Some(FoundBlock::TokenInArguments), None)]
#[case::exported_in_a_shells_line(json!({ "command": "sh", "args": ["-c", "cd /x; export X_TOKEN='canary0123456789'; node s.js"] }), Some(FoundBlock::TokenInArguments), None)]
#[case::set_for_a_program(json!({ "command": "env", "args": ["API_KEY=canary0123456789", "node", "x"] }), Some(FoundBlock::TokenInArguments), None)]
#[case::named_in_a_shells_line(json!({ "command": "sh", "args": ["-c", "export X_TOKEN=$(cat /x/token) Y_KEY=\"$Y\" Z_KEY=%Z%; node s.js --mode=fast"] }), Some(FoundBlock::NothingSecret), None)]
#[case::no_secret(json!({ "command": "server" }), Some(FoundBlock::NothingSecret), None)]
#[case::neither(json!({ "gallery": true }), Some(FoundBlock::Unclear), None)]
#[case::a_variable(json!({ "type": "http", "url": "https://example.com/mcp", "headers": { "Authorization": "Bearer ${TOKEN}" } }), None, Some(FoundNote::TokenElsewhere))]
#[case::an_input(json!({ "type": "http", "url": "https://example.com/mcp", "headers": { "X-Api-Key": "${input:key}" } }), None, Some(FoundNote::TokenElsewhere))]
#[case::a_variable_of_codex(json!({ "url": "https://example.com/mcp", "type": "http", "bearer_token_env_var": "TOKEN" }), None, Some(FoundNote::TokenElsewhere))]
#[case::a_helper(json!({ "type": "http", "url": "https://example.com/mcp", "headersHelper": "/x/helper" }), None, Some(FoundNote::HeadersHelper))]
#[case::a_sign_in(json!({ "command": "npx", "args": ["mcp-remote", "https://example.com/mcp", "--static-oauth-client-info", "{}"] }), None, Some(FoundNote::OwnSignIn))]
#[case::older(json!({ "type": "sse", "url": "https://example.com/sse" }), None, Some(FoundNote::OldTransport))]
#[tokio::test]
async fn what_cannot_be_moved_is_told(
    #[case] entry: Value,
    #[case] blocked: Option<FoundBlock>,
    #[case] note: Option<FoundNote>,
) {
    let world = world().await;
    world.home.write("claude-code", &json!({ "mcpServers": { "it": entry } }).to_string());
    let found = world.found_with("it").await;
    assert_eq!((found.blocked, found.worthwhile), (blocked, false));
    assert!(note.is_none_or(|note| found.notes.contains(&note)), "{:?}", found.notes);
    assert!(!serde_json::to_string(&found).expect("JSON").contains("canary"), "{found:?}");
    if blocked.is_some() {
        let before = world.files();
        assert_eq!(world.import("it").await.err().map(|error| error.code), Some(Code::ImportImpossible));
        assert_eq!(world.files(), before);
    }
}

#[tokio::test]
async fn known_services_are_told_by_their_address() {
    let world = world().await;
    let remote = |url: &str, more: Value| json!({ "type": "http", "url": url, "headers": more });
    let uipath = "https://cloud.uipath.com/acme/prod/agenthub_/mcp/1a2b3c4d-0000-1111-2222-333344445555/orders";
    let retently = json!({ "Authorization": "Bearer rtly_mcp_pat_1_0123456789abcdef" });
    let xurrent = json!({ "Authorization": "Bearer 0123456789abcdef0123", "X-Xurrent-Account": "wdc" });
    let servers = json!({
        "surveys": remote("https://mcp.retently.com/mcp", retently),
        "desk": remote("https://mcp.xurrent.com/mcp", xurrent),
        "desk-2": remote("https://mcp.uk.xurrent.com/mcp", json!({ "Authorization": "Bearer 0123456789abcdef0124" })),
        "robots": remote(uipath, json!({ "Authorization": "Bearer rt_0123456789abcdef0123456789" })),
        "other": remote("https://xurrent.com.example.com/mcp", json!({})),
    });
    world.home.write("claude-code", &json!({ "mcpServers": servers }).to_string());
    let found = world.found().await;
    let of = |entry: &str| found.iter().find(|one| one.entries[0].entry == entry).expect("found").clone();
    assert_eq!((of("surveys").provider.as_str(), of("desk").provider.as_str()), ("retently", "xurrent"));
    assert_eq!((of("robots").provider.as_str(), of("other").provider.as_str()), ("uipath", "custom"));
    assert_eq!(of("desk").settings["account"], "wdc");
    assert_eq!((of("desk-2").asks, of("desk-2").settings["region"].as_str()), (vec!["account".to_owned()], "uk"));
    assert!(of("desk").notes.is_empty(), "another host is another origin");
    let settings = [("account".to_owned(), "wdc".to_owned())].into();
    let import = Import { id: of("desk-2").id, name: Some("Desk UK".into()), settings };
    world.do_it(Request::Import { import, expected: None }).await.expect("brought in");
    assert_eq!(world.patchbay.state().expect("the state").connections[0].provider, "xurrent");
}

#[tokio::test]
async fn shared_and_doubled_entries_stay() {
    let world = world().await;
    let folder = world.home.path().join("work");
    std::fs::create_dir_all(&folder).expect("a folder");
    let remote = json!({ "type": "http", "url": "https://example.com/mcp", "headers": { "Authorization": "Bearer canary0123456789" } });
    std::fs::write(folder.join(".mcp.json"), json!({ "mcpServers": { "shared": remote } }).to_string())
        .expect("written");
    let folder = folder.display().to_string();
    let code = json!({ "projects": { folder: { "mcpServers": { "local": remote } } }, "mcpServers": { "one": remote, "two": remote } });
    world.home.write("claude-code", &code.to_string());
    let found = world.found_with("one").await;
    let left = |entry: &str| found.entries.iter().find(|one| one.entry == entry).expect("it is listed").left;
    assert_eq!((left("one"), left("two"), left("local")), (None, Some(FoundLeft::Twice), None));
    assert_eq!(left("shared"), Some(FoundLeft::SharedFile));
    world.import("one").await.expect("brought in");
    let code = world.json("claude-code");
    assert_eq!(code["mcpServers"]["two"], remote);
    assert!(
        code["projects"].to_string().contains("bridge") && code["mcpServers"]["one"].to_string().contains("bridge")
    );
}

#[tokio::test]
async fn a_tokens_end_can_be_said_later() {
    let world = world().await;
    world.connected().await;
    let token = world.snapshot().connections[0].tokens[0].id.clone();
    let set = |expires: Option<&str>| Request::SetExpiry {
        id: "my-notes".into(),
        token: token.clone(),
        expires: expires.map(str::to_owned),
    };
    let day = (jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date() + jiff::ToSpan::days(5)).to_string();
    world.do_it(set(Some(&day))).await.expect("set");
    assert_eq!(world.snapshot().connections[0].tokens[0].days_left, Some(5));
    let refused = |error: Error| (error.code, error.field);
    let past = world.do_it(set(Some("2020-01-01"))).await.map(|_| ()).map_err(refused);
    assert_eq!(past, Err((Code::DatePast, Some("expires".to_owned()))));
    world.do_it(set(None)).await.expect("taken back");
    assert_eq!(world.snapshot().connections[0].tokens[0].days_left, None);
}

fn edit(path: &std::path::Path, edit: impl FnOnce(&mut Value)) {
    let mut value = serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
    edit(&mut value);
    std::fs::write(path, value.to_string()).expect("writable");
}
