#[path = "drift/kinds.rs"]
mod kinds;
#[path = "drift/news.rs"]
mod news;

use patchbay_core::Code;
use patchbay_core::api::message::{Connect, Request};
use patchbay_core::api::view::{DriftKind, DriftView, Status};
use patchbay_core::client::Scope;
use rstest::rstest;

use super::api::{World, place, world};

/// Everything in a world whose Codex was changed by somebody, beside what it was.
struct Changed {
    world: World,
    written: String,
}

const CODEX: &str = "codex";

async fn changed(change: impl Fn(&str) -> String) -> Changed {
    let world = world().await;
    world.patchbay.settle().await.expect("settled");
    world.connected().await;
    let written = world.home.read(CODEX);
    world.home.write(CODEX, &change(&written));
    Changed { world, written }
}

impl Changed {
    fn drift(&self) -> Vec<DriftView> {
        self.world.patchbay.drift().expect("a look")
    }

    fn kinds(&self) -> Vec<DriftKind> {
        self.drift().into_iter().map(|drift| drift.kind).collect()
    }

    async fn answer(&self, put_back: bool) {
        let (id, client, scope) = ("my-notes".to_owned(), CODEX.to_owned(), self.drift()[0].scope.clone());
        let request =
            if put_back { Request::PutBack { id, client, scope } } else { Request::Keep { id, client, scope } };
        self.world.do_it(request).await.expect("answered");
    }

    async fn undo(&self) {
        self.world.do_it(Request::Undo { change: None }).await.expect("undone");
    }

    fn parsed(&self) -> toml::Table {
        self.world.home.read(CODEX).parse().expect("TOML")
    }

    /// As after a restart.
    fn drift_of_a_new_start(&self) -> Vec<DriftView> {
        self.world.reopened(&[]).drift().expect("a look")
    }
}

fn renamed(text: &str) -> String {
    text.replace("[mcp_servers.my-notes]", "[mcp_servers.other-name]")
}

fn disabled(text: &str) -> String {
    text.replace("[mcp_servers.my-notes]\n", "[mcp_servers.my-notes]\nenabled = false\n")
}

/// What stands before our table, the table, and what stands behind it.
fn around(text: &str) -> (&str, &str, &str) {
    let start = text.find("[mcp_servers.my-notes]").expect("ours");
    let end = text[start + 1..].find("\n[").map_or(text.len(), |end| start + 2 + end);
    (&text[..start], &text[start..end], &text[end..])
}

fn replaced(text: &str) -> String {
    let (before, _, behind) = around(text);
    format!("{before}[mcp_servers.my-notes]\ncommand = \"npx\"\nargs = [\"-y\", \"evil\"]\n{behind}")
}

fn doubled(text: &str) -> String {
    format!("{text}\n{}", renamed(around(text).1))
}

fn removed(text: &str) -> String {
    let (before, _, behind) = around(text);
    format!("{before}{behind}")
}

fn edited(text: &str) -> String {
    text.replace("[\"bridge\", \"my-notes\"]", "[\"bridge\", \"my-notes\", \"--more\"]")
}

#[rstest]
#[case::removed(removed, DriftKind::Removed)]
#[case::changed(edited, DriftKind::Changed)]
#[case::replaced(replaced, DriftKind::Replaced)]
#[case::renamed(renamed, DriftKind::Renamed)]
#[case::disabled(disabled, DriftKind::Disabled)]
#[case::duplicated(doubled, DriftKind::Duplicated)]
#[tokio::test(flavor = "multi_thread")]
async fn put_back_restores_what_was_written_and_its_undo_what_was_made_of_it(
    #[case] change: fn(&str) -> String,
    #[case] kind: DriftKind,
) {
    let changed = changed(change).await;
    assert_eq!(changed.kinds(), [kind]);
    let spoiled = changed.world.home.read(CODEX);
    changed.answer(true).await;
    assert_eq!(changed.parsed(), changed.written.parse::<toml::Table>().expect("TOML"));
    assert_eq!(changed.kinds(), []);
    changed.undo().await;
    assert_eq!(changed.world.home.read(CODEX), spoiled, "byte for byte");
    assert_eq!(changed.kinds(), [kind], "and it is told again");
}

#[rstest]
#[case::removed(removed, DriftKind::Removed, None)]
#[case::changed(edited, DriftKind::Changed, Some("my-notes"))]
#[case::replaced(replaced, DriftKind::Replaced, None)]
#[case::renamed(renamed, DriftKind::Renamed, Some("other-name"))]
#[case::disabled(disabled, DriftKind::Disabled, Some("my-notes"))]
#[case::duplicated(doubled, DriftKind::Duplicated, Some("my-notes"))]
#[tokio::test(flavor = "multi_thread")]
async fn keep_adopts_the_new_form_and_never_asks_again(
    #[case] change: fn(&str) -> String,
    #[case] kind: DriftKind,
    #[case] entry: Option<&str>,
) {
    let changed = changed(change).await;
    assert_eq!(changed.kinds(), [kind]);
    let spoiled = changed.world.home.read(CODEX);
    changed.answer(false).await;
    assert_eq!(changed.world.home.read(CODEX), spoiled, "no file is touched");
    let place = |world: &World| {
        let used_in = world.snapshot().connections[0].used_in.clone();
        used_in.into_iter().find(|place| place.client == CODEX).map(|place| place.entry)
    };
    assert_eq!(place(&changed.world).as_deref(), entry);
    assert_eq!((changed.kinds(), changed.drift_of_a_new_start()), (vec![], vec![]));
    assert_eq!(changed.world.snapshot().news, [], "what the user decided about is no news");
    changed.undo().await;
    assert_eq!(changed.kinds(), [kind], "the decision is taken back");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_moved_to_a_folder_is_put_back_or_its_placement_moves() {
    let world = world().await;
    let folder = world.home.path().join("work");
    std::fs::create_dir_all(folder.join(".codex")).expect("a folder");
    let trust = format!("[projects.\"{}\"]\ntrust_level = \"trusted\"\n", folder.display());
    world.home.write(CODEX, &trust);
    world.connected().await;
    let written = world.home.read(CODEX);
    let start = written.find("[mcp_servers.my-notes]").expect("ours");
    let mine = folder.join(".codex/config.toml");
    std::fs::write(&mine, &written[start..]).expect("written");
    world.home.write(CODEX, &trust);
    let changed = Changed { world, written };
    let found = changed.drift();
    let scope = Scope::Project(folder.display().to_string());
    assert_eq!((found[0].kind, found[0].other.as_ref()), (DriftKind::Moved, Some(&scope)));
    assert_eq!(found[0].path, mine.display().to_string());

    changed.answer(false).await;
    assert_eq!((changed.kinds(), changed.drift_of_a_new_start()), (vec![], vec![]));
    assert!(changed.world.snapshot().connections[0].used_in.iter().any(|place| place.scope == scope));
    changed.undo().await;
    assert_eq!(changed.kinds(), [DriftKind::Moved]);

    changed.answer(true).await;
    assert_eq!(changed.kinds(), []);
    assert_eq!(changed.parsed(), changed.written.parse::<toml::Table>().expect("TOML"));
    assert!(!std::fs::read_to_string(&mine).expect("text").contains("my-notes"));
    changed.undo().await;
    assert_eq!(changed.kinds(), [DriftKind::Moved]);
}

#[rstest]
#[case::put_back(true)]
#[case::keep(false)]
#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_reads_another_file_now_is_told_and_followed_or_left(#[case] put_back: bool) {
    let world = world().await;
    world.connected().await;
    let old = world.home.read(CODEX);
    let elsewhere = world.home.path().join("elsewhere");
    std::fs::create_dir_all(&elsewhere).expect("a folder");
    let moved = world.reopened(&[("CODEX_HOME", elsewhere.to_str().expect("a plain path"))]);
    let found = moved.drift().expect("a look");
    let new = elsewhere.join("config.toml");
    assert_eq!(
        (found.len(), found[0].kind, found[0].path.clone()),
        (1, DriftKind::FileMoved, new.display().to_string())
    );
    let (id, client, scope) = ("my-notes".to_owned(), CODEX.to_owned(), Scope::User);
    let request = if put_back { Request::PutBack { id, client, scope } } else { Request::Keep { id, client, scope } };
    moved.call(request, None).await.expect("answered");
    assert_eq!(moved.drift().expect("a look"), []);
    let used = moved.snapshot().expect("a snapshot").connections[0].used_in.iter().any(|place| place.client == CODEX);
    assert_eq!((used, new.exists(), world.home.read(CODEX) == old), (put_back, put_back, !put_back));
    moved.call(Request::Undo { change: None }, None).await.expect("undone");
    assert_eq!((world.home.read(CODEX), new.exists()), (old, false));
    assert_eq!(moved.drift().expect("a look").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn swapped_names_come_right_again_whichever_is_put_back_first() {
    let world = world().await;
    world.connected().await;
    let second = Connect { name: "Second".into(), places: vec![place(CODEX)], token: None, ..world.notes() };
    world.connect(second, None).await.expect("it connects");
    let written: toml::Table = world.home.read(CODEX).parse().expect("TOML");
    let swapped = world
        .home
        .read(CODEX)
        .replace(".my-notes]", ".x]")
        .replace(".second]", ".my-notes]")
        .replace(".x]", ".second]");
    world.home.write(CODEX, &swapped);
    for id in ["second", "my-notes"] {
        let request = Request::PutBack { id: id.into(), client: CODEX.into(), scope: Scope::User };
        world.do_it(request).await.expect("put back");
    }
    assert_eq!(world.patchbay.drift().expect("a look"), []);
    assert_eq!(world.home.read(CODEX).parse::<toml::Table>().expect("TOML"), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_nobody_may_read_is_no_choice_between_two_answers() {
    let world = world().await;
    world.connected().await;
    std::fs::remove_file(world.home.file(CODEX)).expect("removed");
    std::fs::create_dir(world.home.file(CODEX)).expect("a folder in its place");
    assert_eq!(world.patchbay.drift().expect("a look")[0].kind, DriftKind::FileUnreadable);
    assert_eq!(world.snapshot().connections[0].status, Status::FileBroken);
    let keep = Request::Keep { id: "my-notes".into(), client: CODEX.into(), scope: Scope::User };
    assert_eq!(world.do_it(keep).await.expect_err("not kept").code, Code::FileNotRegular);
}
