//! Tool parameters repeated in headers.

use crate::app::{App, Keychain, modern};
use crate::service::{Asked, Reply, Service, event, result};

const REGION: &str = r#"{"name":"run","inputSchema":{"properties":{"r":{"type":"string","x-mcp-header":"Region"}}}}"#;
const CALL: &str = r#","name":"run","arguments":{"r":"é"}"#;
const ENCODED: &str = "=?base64?w6k=?=";

/// Refuses calls without the header; its tools come on two pages.
fn strict(asked: &Asked) -> Reply {
    match (asked.rpc().as_str(), asked.json()["params"]["cursor"].as_str()) {
        ("tools/list", None) => Reply::json(result(asked, r#"{"tools":[],"nextCursor":"2"}"#)),
        ("tools/list", _) => Reply::stream([event(&result(asked, &format!(r#"{{"tools":[{REGION}]}}"#)))]),
        _ if asked.header("mcp-param-region") == Some(ENCODED) => Reply::json(result(asked, "{}")),
        _ => {
            let error = r#""error":{"code":-32020,"message":"Header mismatch"}"#;
            Reply::status(400)
                .body("application/json", format!(r#"{{"jsonrpc":"2.0","id":{},{error}}}"#, asked.json()["id"]))
        }
    }
}

#[tokio::test]
async fn a_server_that_misses_a_header_is_asked_which_and_called_again() {
    let service = Service::start(strict).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let answer = app.ask(&modern(1, "tools/call", CALL)).await;
    assert!(answer["result"].is_object(), "{answer}");
    let own = service.asked("tools/list");
    assert_eq!((own.len(), own[1].json()["params"]["cursor"].as_str()), (2, Some("2")));
    assert_eq!(own[0].json()["params"]["_meta"], service.log()[0].json()["params"]["_meta"], "in the app's name");
    assert!(app.ask(&modern(2, "tools/call", CALL)).await["result"].is_object());
    assert_eq!(service.asked("tools/call").len(), 3, "now it is known");
}

#[tokio::test]
async fn a_mismatch_that_no_header_heals_is_the_servers_to_tell() {
    let service = Service::start(strict).await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let answer = app.ask(&modern(1, "tools/call", r#","name":"other","arguments":{"r":"é"}"#)).await;
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&1.into(), &(-32020).into()));
    assert_eq!(service.asked("tools/call").len(), 1);
}

#[tokio::test]
async fn what_the_app_lists_is_learned_from_a_stream_too_and_only_in_the_newest_generation() {
    let service = Service::start(|asked| match asked.rpc().as_str() {
        "tools/list" => {
            let unfit = r#"{"name":"unfit","inputSchema":{"x-mcp-header":"A"}}"#;
            Reply::stream([event(&result(asked, &format!(r#"{{"tools":[{unfit},{REGION}]}}"#)))])
        }
        _ => Reply::json(result(asked, "{}")),
    })
    .await;
    let mut app = App::start(&Keychain::open(&service.url()));
    let older = app.ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert_eq!(older["result"]["tools"].as_array().map(Vec::len), Some(2), "an older app gets what the server said");
    app.ask(&modern(2, "tools/call", CALL)).await;
    assert_eq!(service.asked("tools/call")[0].header("mcp-param-region"), None);
    app.say(&modern(3, "tools/list", "")).await;
    assert_eq!(app.line().await, format!(r#"{{"jsonrpc":"2.0","id":3,"result":{{"tools":[{REGION}]}}}}"#));
    app.ask(&modern(4, "tools/call", CALL)).await;
    assert_eq!(service.asked("tools/call")[1].header("mcp-param-region"), Some(ENCODED));
}
