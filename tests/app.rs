//! The desktop shell's configuration.

use serde_json::Value;

fn config() -> Value {
    serde_json::from_str(include_str!("../tauri.conf.json")).expect("the configuration is JSON")
}

#[test]
fn the_page_may_listen_zoom_and_call_our_commands_and_nothing_else() {
    let security = &config()["app"]["security"];
    let capability = &security["capabilities"][0];
    let allowed = ["core:event:allow-listen", "core:event:allow-unlisten", "core:webview:allow-set-webview-zoom"];
    assert_eq!(capability["permissions"], serde_json::json!(allowed));
    assert_eq!(security["capabilities"].as_array().map(Vec::len), Some(1));
    assert_eq!(config()["app"]["withGlobalTauri"], false);
}

#[test]
fn the_page_can_load_nothing_from_elsewhere() {
    let config = config();
    let policy = config["app"]["security"]["csp"].as_str().expect("a policy");
    assert!(policy.starts_with("default-src 'self';"));
    let sources = policy.split([';', ' ']).filter(|word| word.contains("://"));
    assert_eq!(sources.collect::<Vec<_>>(), ["http://ipc.localhost"], "{policy}");
    assert!(!policy.contains("unsafe-eval") && !policy.contains("script-src"));
}
