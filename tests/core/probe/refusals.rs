//! What the packs know of their services' refusals: pretend Xurrents and UiPaths that refuse as the real ones are
//! documented to do.

use jiff::Timestamp;
use patchbay_core::catalog::{self, ToolCall};
use patchbay_core::probe::{LayerKind, Mark, Probe, Report, Verdict, probe};
use rstest::rstest;

use super::server::{Answer, Asked, but, error, http, legacy, result, serve};
use super::{outcome, probe_of};

const CALL: &str = "tools/call";
const LIST: &str = "tools/list";

const SERA: &str = "Xurrent shows its tools and then refuses every call, which is what it does while Sera AI is switched off. Ask an administrator to enable Sera AI (Settings, Self Service Settings). Is your token of the directory account? Then say so under Edit.";
const XURRENTS_SCOPE: &str = "The token lacks a permission that Xurrent wants for this. Make a new token with the permission MCP: Prompts, Resources, Tools.";
const JOBS: &str = "The token may list the tools, but not run them, because it lacks OR.Jobs. Make a new token with OR.Execution and OR.Jobs.";
const EXECUTION: &str =
    "The token may not list the tools, because it lacks OR.Execution. Make a new token with OR.Execution and OR.Jobs.";
const FOLDER: &str = "UiPath knows the token, but not you in this folder. Ask an administrator for the role Automation User in the folder.";
const FOLDER_KEY: &str = "The folder key is missing in this address. Copy the address again with the button Copy URL and paste it under Edit.";
const IN_GENERAL: &str = "The token is good, but it is not allowed to do this. Make one with the missing permission.";

fn no(words: &str) -> Answer {
    http("403 Forbidden", "content-type: application/json\r\n", format!(r#"{{"message":"{words}"}}"#))
}

/// The well-behaved server, with tools as Xurrent's.
fn xurrent(asked: &Asked) -> Answer {
    but(asked, LIST, || result(asked, r#"{"tools":[{"name":"list_inbox"},{"name":"list_active_requests"}]}"#))
}

fn xurrent_but(asked: &Asked, answer: impl FnOnce(&str) -> Answer) -> Answer {
    let name = if asked.0.contains(r#""name":"list_inbox""#) { "list_inbox" } else { "list_active_requests" };
    if asked.rpc() == CALL { answer(name) } else { xurrent(asked) }
}

/// A tool's own words for a refusal.
fn in_a_result(asked: &Asked, words: &str) -> Answer {
    result(asked, &format!(r#"{{"isError":true,"content":[{{"type":"text","text":"{words}"}}]}}"#))
}

/// As the connection of a service is checked; a harmless tool is pretended where a service has none.
async fn check(provider: &str, rule: fn(&Asked) -> Answer) -> Report {
    let pack = catalog::find(provider).expect("a service");
    let probed = probe_of(&serve(rule).await, true);
    let tool = match provider {
        "xurrent" => pack.read_only_tool.clone(),
        _ => Some(ToolCall { name: "whoami".into(), arguments: serde_json::json!({}), or_else: None }),
    };
    pack.explain(probe(&Probe { tool, ..probed }, Timestamp::now(), |_| {}).await)
}

const INSUFFICIENT: &str = "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"inbox:read\"\r\n";

#[rstest]
#[case::sera_ai_is_off("xurrent", |asked: &Asked| xurrent_but(asked, |_| no("Forbidden")), SERA, LayerKind::Call)]
#[case::sera_ai_is_off_without_a_word("xurrent", |asked: &Asked| xurrent_but(asked, |_| http("403 Forbidden", "", "")), SERA, LayerKind::Call)]
#[case::sera_ai_is_off_says_a_page("xurrent", |asked: &Asked| xurrent_but(asked, |_| http("403 Forbidden", "content-type: text/html\r\n", "<html>")), SERA, LayerKind::Call)]
#[case::sera_ai_is_off_in_the_protocols_words("xurrent", |asked: &Asked| xurrent_but(asked, |_| error(asked, -32003, "no")), SERA, LayerKind::Call)]
#[case::sera_ai_is_off_in_the_tools_words("xurrent", |asked: &Asked| xurrent_but(asked, |_| in_a_result(asked, "HTTP 403: Forbidden")), SERA, LayerKind::Call)]
#[case::the_service_names_a_permission("xurrent", |asked: &Asked| xurrent_but(asked, |_| http("403 Forbidden", INSUFFICIENT, "")), IN_GENERAL, LayerKind::Call)]
#[case::the_service_speaks_of_a_permission("xurrent", |asked: &Asked| xurrent_but(asked, |_| no("missing scope")), XURRENTS_SCOPE, LayerKind::Call)]
#[case::refused_before_the_tools("xurrent", |asked: &Asked| but(asked, "initialize", || no("Forbidden")), IN_GENERAL, LayerKind::SignIn)]
#[case::no_jobs("uipath", |asked: &Asked| but(asked, CALL, || no("Forbidden")), JOBS, LayerKind::Call)]
#[case::no_jobs_in_the_tools_words("uipath", |asked: &Asked| but(asked, CALL, || in_a_result(asked, "StartJobs failed: Forbidden")), JOBS, LayerKind::Call)]
#[case::no_jobs_named("uipath", |asked: &Asked| but(asked, CALL, || http("403 Forbidden", "www-authenticate: Bearer scope=\"OR.Jobs\"\r\n", "")), JOBS, LayerKind::Call)]
#[case::no_execution("uipath", |asked: &Asked| but(asked, LIST, || no("Forbidden")), EXECUTION, LayerKind::Tools)]
#[case::not_in_the_folder("uipath", |asked: &Asked| but(asked, "initialize", || no("Forbidden")), FOLDER, LayerKind::SignIn)]
#[case::no_folder_key("uipath", |_: &Asked| http("400 Bad Request", "", r#"{"message":"Folder key is required","errorCode":10500}"#), FOLDER_KEY, LayerKind::Handshake)]
#[tokio::test]
async fn refusals_are_told_apart(
    #[case] provider: &str,
    #[case] rule: fn(&Asked) -> Answer,
    #[case] sentence: &str,
    #[case] layer: LayerKind,
) {
    let report = check(provider, rule).await;
    assert_eq!(report.sentence(), sentence, "{report:?}");
    assert_eq!(outcome(&report).1, Some(layer), "{report:?}");
    assert_eq!(report.verdict, if sentence == FOLDER_KEY { Verdict::NotMcp } else { Verdict::NotAllowed });
}

/// One of two calls is refused: something is missing, and it is not Sera AI.
#[tokio::test]
async fn a_permission_that_is_missing_is_not_taken_for_a_service_that_is_off() {
    let rule = |asked: &Asked| {
        xurrent_but(asked, |name| if name == "list_inbox" { no("Forbidden") } else { result(asked, "{}") })
    };
    let report = check("xurrent", rule).await;
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    assert_eq!(report.sentence(), super::said::PARTLY_ALLOWED.1);
}

/// Another fault than a refusal is left in the general words.
#[rstest]
#[case::fault(|asked: &Asked| xurrent_but(asked, |_| http("500 Internal Server Error", "", "")))]
#[case::tools_own_fault(|asked: &Asked| xurrent_but(asked, |_| in_a_result(asked, "the inbox is empty")))]
#[case::all_is_well(xurrent)]
#[tokio::test]
async fn what_is_no_refusal_is_not_explained_as_one(#[case] rule: fn(&Asked) -> Answer) {
    assert_eq!(check("xurrent", rule).await.explained, None);
}

/// No tool is called where each starts a job; that is said in the call's place.
#[tokio::test]
async fn a_service_without_a_harmless_tool_says_so() {
    let pack = catalog::find("uipath").expect("a service");
    let rule = |asked: &Asked| {
        assert_ne!(asked.rpc(), CALL, "nothing is called");
        legacy(asked)
    };
    let probed = Probe { tool: pack.read_only_tool.clone(), ..probe_of(&serve(rule).await, true) };
    let report = pack.explain(probe(&probed, Timestamp::now(), |_| {}).await);
    assert_eq!(outcome(&report), (Verdict::Working, None), "{report:?}");
    let call = report.layers.last().expect("all layers are told");
    assert_eq!((call.mark, &call.detail), (Mark::Skipped, &pack.no_read_only_tool));
    assert!(call.detail.as_deref().is_some_and(|why| why.contains("OR.Jobs")), "{call:?}");
}
