//! Real programs, well-behaved and not: what is found, how long it takes, and that none of them is left.

use std::path::Path;
use std::time::{Duration, Instant};

use patchbay_core::Platform;
use patchbay_core::catalog::{self, ToolCall};
use patchbay_core::client::{self, Scope};
use patchbay_core::probe::{Cause, Mark};
use patchbay_core::start::{FindingKind, Known, Limits, StepKind, Subject, Went, around, plan, run};
use rstest::rstest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{host, program, text};

/// A server of an older generation, in a shell's words.
const SERVER: &str = r#"#!/bin/sh
while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  case "$line" in
    *server/discover*) echo '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32601,"message":"unknown"}}';;
    *'"initialize"'*) echo '{"jsonrpc":"2.0","id":99,"method":"ping"}'
      echo '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}}';;
    *tools/list*) echo '{"jsonrpc":"2.0","id":'$id',"result":{"tools":[{"name":"a"},{"name":"b"}]}}';;
  esac
done
"#;

fn limits() -> Limits {
    let (first, fetching) = (Duration::from_secs(2), Duration::from_secs(3));
    Limits {
        first,
        fetching,
        discover: Duration::from_millis(500),
        exchange: Duration::from_secs(2),
        all: 1 << 20,
        line: 1 << 19,
        ..Limits::default()
    }
}

pub(super) async fn went(home: &TempDir, app: &str, value: &Value) -> Went {
    went_calling(home, app, value, None).await
}

async fn went_calling(home: &TempDir, app: &str, value: &Value, tool: Option<&ToolCall>) -> Went {
    let env = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", home.path().to_str().expect("a path")),
        ("OUTER_TOKEN", "canary-outer-0123"),
    ];
    let linux = host(Platform::Linux, home.path(), &env);
    let client = client::find(app).expect("an app");
    let subject = Subject { client, scope: &Scope::User, name: "it", value, own: Path::new("/data/bin/patchbay") };
    let around = around(&linux, client, &Known::default());
    run(&plan(&subject, &around), &around, tool, &limits(), linux.now).await
}

/// A script's outcome in Claude Code.
async fn of(script: &str) -> (TempDir, Went) {
    let home = tempfile::tempdir().expect("a folder");
    let file = program(home.path(), "server", script);
    let found = went(&home, "claude-code", &json!({ "command": text(&file), "args": [text(home.path())] })).await;
    (home, found)
}

pub(super) fn kinds(went: &Went) -> Vec<FindingKind> {
    went.findings.iter().map(|finding| finding.kind).collect()
}

fn said(went: &Went) -> String {
    serde_json::to_string(went).expect("JSON")
}

/// Whether a process of this number runs.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[tokio::test]
async fn a_server_that_works_for_its_app_works() {
    for app in ["claude-code", "codex", "claude-desktop"] {
        let home = tempfile::tempdir().expect("a folder");
        let file = program(home.path(), "server", SERVER);
        let found = went(&home, app, &json!({ "command": text(&file) })).await;
        assert!(found.works && kinds(&found).is_empty(), "{app}: {found:?}");
        assert_eq!((found.tools, found.protocol.as_deref()), (Some(2), Some("2025-06-18")));
        let passed = |kind| found.steps.iter().any(|step| step.kind == kind && step.mark == Mark::Passed);
        assert!([StepKind::Found, StepKind::Started, StepKind::Handshake, StepKind::Tools].into_iter().all(passed));
    }
}

#[tokio::test]
async fn a_server_that_ends_at_a_question_of_the_newest_generation_is_begun_again_without_it() {
    let script = SERVER.replace(
        "echo '{\"jsonrpc\":\"2.0\",\"id\":'$id',\"error\":{\"code\":-32601,\"message\":\"unknown\"}}'",
        "exit 3",
    );
    let (_home, found) = of(&script).await;
    assert!(script.contains("exit 3") && found.works, "{found:?}");
    let (_home, found) = of(&SERVER.replace("*server/discover*) echo", "*server/discover*) : ")).await;
    assert!(found.works, "it never answers what it does not know: {found:?}");
}

#[tokio::test]
async fn a_server_of_the_newest_generation_that_is_slow_to_start_works() {
    let modern = SERVER.replace(
        r#""error":{"code":-32601,"message":"unknown"}"#,
        r#""result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"Named","version":"9"}}}"#,
    );
    let refuses = modern.replace(
        r#"*'"initialize"'*) echo"#,
        r#"*'"initialize"'*) echo '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32600,"message":"no"}}'; : echo"#,
    );
    let (_home, found) = of(&refuses.replace("#!/bin/sh", "#!/bin/sh\nsleep 1")).await;
    assert!(found.works, "{found:?}");
    assert_eq!((found.protocol.as_deref(), found.tools), (Some("2026-07-28"), Some(2)));
    assert_eq!(found.server.as_ref().map(|server| server.name.as_str()), Some("Named"));
}

#[tokio::test]
async fn what_it_writes_between_its_messages_is_told_and_no_reason_to_fail() {
    let (_home, found) = of(&SERVER.replace("#!/bin/sh", "#!/bin/sh\necho Welcome to my server")).await;
    assert!(found.works, "{found:?}");
    assert_eq!(kinds(&found), [FindingKind::Noise]);
    assert_eq!(found.findings[0].there.as_deref(), Some("Welcome to my server"));
}

#[tokio::test]
async fn one_that_ends_at_once_is_told_with_its_last_words_and_without_a_token() {
    let script =
        "#!/bin/sh\necho \"cannot open the door with $OUTER_TOKEN and ghp_0123456789012345678901234\" >&2\nexit 3\n";
    let (_home, found) = of(script).await;
    assert_eq!(kinds(&found), [FindingKind::Ended]);
    assert!(said(&found).contains("cannot open the door with •••") && said(&found).contains('3'), "{found:?}");
    assert!(!said(&found).contains("canary") && !said(&found).contains("ghp_01"), "{found:?}");
}

#[tokio::test]
async fn one_that_hangs_is_ended_after_its_time() {
    let begun = Instant::now();
    let (home, found) = of("#!/bin/sh\ntrap '' TERM\necho $$ > \"$1/pid\"\nsleep 300\nsleep 300\n").await;
    assert_eq!(kinds(&found), [FindingKind::Silent]);
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    assert!(!lives(&std::fs::read_to_string(home.path().join("pid")).expect("it ran")));
}

#[tokio::test]
async fn one_that_floods_is_stopped() {
    let begun = Instant::now();
    let (_home, found) = of("#!/bin/sh\nyes 'no message at all'\n").await;
    assert_eq!(kinds(&found), [FindingKind::Floods]);
    let (_home, endless) = of("#!/bin/sh\ncat /dev/zero\n").await;
    assert_eq!(kinds(&endless), [FindingKind::Floods]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_question_in_the_terminal_is_told() {
    let ask = "#!/bin/sh\nprintf 'Need to install the following packages: x. Ok to proceed? (y) ' >&2\nsleep 300\n";
    let (_home, found) = of(ask).await;
    assert_eq!(kinds(&found), [FindingKind::AsksInTerminal]);
    assert!(said(&found).contains("Ok to proceed?"));
}

#[tokio::test]
async fn what_it_leaves_running_is_ended_too() {
    let forks = SERVER.replace(
        "#!/bin/sh",
        "#!/bin/sh\nsleep 300 </dev/null >/dev/null 2>&1 & echo $! > \"$1/one\"\nsetsid sleep 300 </dev/null >/dev/null 2>&1 & echo $! > \"$1/two\"",
    );
    let (home, found) = of(&forks).await;
    assert!(found.works, "{found:?}");
    assert_eq!(kinds(&found), [FindingKind::LeftBehind]);
    for file in ["one", "two"] {
        let pid = std::fs::read_to_string(home.path().join(file)).expect("it was started");
        assert!(!lives(&pid), "{file}");
    }
}

#[tokio::test]
async fn a_check_that_is_given_up_leaves_nothing_running() {
    let home = tempfile::tempdir().expect("a folder");
    let file =
        program(home.path(), "server", "#!/bin/sh\nsleep 300 & echo $! > \"$1/child\"\necho $$ > \"$1/pid\"\nwait\n");
    let entry = json!({ "command": text(&file), "args": [text(home.path())] });
    let given_up = tokio::time::timeout(Duration::from_millis(700), went(&home, "codex", &entry)).await;
    assert!(given_up.is_err());
    tokio::time::sleep(Duration::from_secs(2)).await;
    for name in ["pid", "child"] {
        assert!(!lives(&std::fs::read_to_string(home.path().join(name)).expect("it ran")), "{name}");
    }
}

#[tokio::test]
async fn what_a_program_says_of_its_surroundings_is_understood() {
    let cases = [
        ("env: 'node': No such file or directory", FindingKind::NeedsProgram, "node"),
        ("/bin/sh: 1: uvx: not found", FindingKind::NeedsProgram, "uvx"),
        ("bash: line 1: deno: command not found", FindingKind::NeedsProgram, "deno"),
        ("npm error code EBADENGINE", FindingKind::NodeTooOld, ""),
        ("Error [ERR_UNKNOWN_BUILTIN_MODULE]: No such built-in module: node:sqlite", FindingKind::NodeTooOld, ""),
    ];
    for (words, kind, name) in cases {
        let (_home, found) = of(&format!("#!/bin/sh\ncat >&2 <<'E'\n{words}\nE\nexit 127\n")).await;
        let first = &found.findings[0];
        assert_eq!((first.kind, first.name.clone().unwrap_or_default().as_str()), (kind, name), "{words}");
    }
}

#[tokio::test]
async fn a_program_that_fetches_what_it_starts_gets_more_time_and_is_told_honestly() {
    let home = tempfile::tempdir().expect("a folder");
    let npx = program(&home.path().join("bin"), "npx", "#!/bin/sh\nsleep 300\n");
    let begun = Instant::now();
    let found = went(&home, "claude-code", &json!({ "command": text(&npx), "args": ["-y", "some-server"] })).await;
    assert_eq!(kinds(&found), [FindingKind::Fetching]);
    assert!(begun.elapsed() >= limits().fetching, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_mcp_and_a_refusal_are_two_things() {
    let wrong = SERVER.replace("\"protocolVersion\":\"2025-06-18\",", "");
    assert_eq!(kinds(&of(&wrong).await.1), [FindingKind::NotMcp]);
    let refuses = "#!/bin/sh\nwhile read -r line; do id=$(printf '%s' \"$line\" | sed -n 's/.*\"id\":\\([0-9]*\\).*/\\1/p')\necho '{\"jsonrpc\":\"2.0\",\"id\":'$id',\"error\":{\"code\":-32001,\"message\":\"no licence\"}}'; done\n";
    let (_home, found) = of(refuses).await;
    assert_eq!(kinds(&found), [FindingKind::Refused]);
    assert_eq!(found.findings[0].there.as_deref(), Some("no licence"));
}

/// What our own bridge answers where the service says 403.
const DENIED: &str = r#""error":{"code":-32000,"message":"The service does not allow this with the present token. It says: Forbidden","data":{"code":"not_allowed","from":"patchbay"}}"#;
const DENIED_BY_ITSELF: &str = r#""error":{"code":-32003,"message":"no"}"#;
const FORBIDDEN_IN_WORDS: &str =
    r#""result":{"isError":true,"content":[{"type":"text","text":"HTTP 403: Forbidden"}]}"#;
/// Our bridge, where an app has no answer for the service; and the service itself.
const UNANSWERED: &str = r#""error":{"code":-32000,"message":"The app did not answer the question.","data":{"code":"app_refused","from":"patchbay"}}"#;
const ASKS: &str = r#""result":{"resultType":"input_required","inputRequests":{}}"#;
const FINE: &str = r#""result":{"content":[]}"#;

/// A server whose tools are as Xurrent's, each with its answer.
fn xurrent(offered: &str, first: &str, second: &str) -> String {
    let answer = |name: &str, said: &str| {
        format!("  *'\"name\":\"{name}\"'*) echo '{{\"jsonrpc\":\"2.0\",\"id\":'$id',{said}}}';;\n")
    };
    let calls = answer("list_inbox", first) + &answer("list_active_requests", second);
    SERVER.replace(r#"{"name":"a"},{"name":"b"}"#, offered).replace("  esac\n", &format!("{calls}  esac\n"))
}

const BOTH: &str = r#"{"name":"list_inbox"},{"name":"list_active_requests"}"#;
const SECOND: &str = r#"{"name":"list_active_requests"}"#;

/// As the check of the address does, which is told beside it.
#[rstest]
#[case::all_is_well(BOTH, FINE, FINE, true, None)]
#[case::one_is_refused(BOTH, DENIED, FINE, true, Some(Cause::PartlyAllowed))]
#[case::the_other_alone_is_offered(SECOND, FINE, DENIED, false, None)]
#[case::both_are_refused(BOTH, DENIED, DENIED, false, None)]
#[case::both_in_the_services_own_code(BOTH, DENIED_BY_ITSELF, DENIED_BY_ITSELF, false, None)]
#[case::it_asks_back(BOTH, ASKS, FINE, true, Some(Cause::ToolAsks))]
#[case::it_asks_through_our_bridge(BOTH, UNANSWERED, FINE, true, Some(Cause::ToolAsks))]
#[case::in_the_tools_own_words(BOTH, FORBIDDEN_IN_WORDS, FINE, false, None)]
#[tokio::test]
async fn a_program_tries_the_harmless_tools_as_the_check_of_an_address_does(
    #[case] offered: &str,
    #[case] first: &str,
    #[case] second: &str,
    #[case] works: bool,
    #[case] remark: Option<Cause>,
) {
    let home = tempfile::tempdir().expect("a folder");
    let file = program(home.path(), "server", &xurrent(offered, first, second));
    let pack = catalog::find("xurrent").expect("a service");
    let entry = json!({ "command": text(&file) });
    let found = went_calling(&home, "codex", &entry, pack.read_only_tool.as_ref()).await.explained_by(pack);
    let call = found.steps.last().expect("all steps are told");
    let mark = if works { remark.map_or(Mark::Passed, |_| Mark::Warned) } else { Mark::Failed };
    assert_eq!((found.works, call.mark, call.cause), (works, mark, remark), "{found:?}");
    let is_sera = found.explained.as_ref().is_some_and(|own| own.say.contains("while Sera AI is switched off"));
    assert_eq!(is_sera, !works, "{found:?}");
    let not_allowed = (!works).then_some(FindingKind::NotAllowed);
    assert_eq!(kinds(&found), Vec::from_iter(not_allowed));
}
