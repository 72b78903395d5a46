//! A service that wants two secrets, each in a header of its own: set up in the real window, one of the two renewed while
//! an app's bridge runs. Two secrets pasted at once are refused there, as a page would glue them together.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::apps::Talk;
use crate::session::Session;
use crate::window::Window;
use crate::{PRACTICE, say};

const ID: &str = "pair";
const ROW: &str = "row-pair";
const HEADER: &str = "X-Practice-Key";

/// Plays it; the secrets of it.
pub(crate) async fn pair(session: &Session, window: &Window) -> Result<Vec<String>> {
    say("a service that wants two secrets");
    let [(_, one), (id, two)] = [PRACTICE.make("Pair", 3600)?, PRACTICE.make("Pair key", 3600)?];
    fill_in(session, window).await?;
    paste(session, window, &one, &two).await?;
    connect(session, window).await?;
    let mut bridge = Talk::start(session.command(&session.patchbay()).args(["bridge", ID]))?;
    bridge.open().await?;
    ensure!(is_answered(&bridge.whoami().await?), "the app reaches the service with both");
    let third = renew_second(session, window, &id, &mut bridge).await?;
    let said = bridge.heard();
    ensure!([&one, &two, &third].iter().all(|secret| !said.contains(secret.as_str())), "the bridge says none of them");
    Ok(vec![one, two, third])
}

/// The service's address and the second header; two lines are copied there, as a page with both keys gives them.
async fn fill_in(session: &Session, window: &Window) -> Result<()> {
    window.click("nav-connections").await?;
    window.click("connect-service").await?;
    window.click("provider-custom").await?;
    window.type_into("field-name", "Pair").await?;
    window.type_into("field-url", &PRACTICE.pair_address()).await?;
    // What the left field says moves the line below it: the mouse could miss.
    window.find_css("[data-testid=\"wizard\"] summary").await?.send_keys("\u{e007}").await?;
    window.type_into("field-beside", "one-of-two-lines\u{e007}two-of-two-lines").await?;
    window.press("field-beside", "a").await?;
    window.press("field-beside", "c").await?;
    window.type_into("field-beside", HEADER).await?;
    session.picture("two-secrets-details").await?;
    window.go_on("details").await?;
    window.click("how-token").await?;
    session.picture("two-secrets-make").await?;
    window.go_on("make").await
}

async fn paste(session: &Session, window: &Window, one: &str, two: &str) -> Result<()> {
    say("both pasted at once");
    window.press("token-input", "v").await?;
    window.says("token-error", "paste each into its own field").await?;
    ensure!(window.find("token-input").await?.prop("value").await?.as_deref() == Some(""), "nothing of it is kept");
    session.picture("two-secrets-at-once").await?;
    window.type_into("token-input", one).await?;
    window.type_into("token-input-2", two).await?;
    window.click("token-expires-unknown").await?;
    session.picture("two-secrets-pasted").await?;
    window.go_on("paste").await
}

async fn connect(session: &Session, window: &Window) -> Result<()> {
    window.choose("claude-desktop").await?;
    window.go_on("apps").await?;
    session.picture("two-secrets-review").await?;
    window.go_on("review").await?;
    window.until("check-result", "data-verdict", "working").await?;
    window.click("wizard-next").await?;
    window.until(ROW, "data-status", "working").await?;
    session.picture("two-secrets-details-open").await?;
    let file = session.home().join(".config/Claude/claude_desktop_config.json");
    let config: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let entry = &config["mcpServers"][ID];
    ensure!(entry["args"] == serde_json::json!(["bridge", ID]), "the entry is {entry}");
    Ok(())
}

/// The second of the two is renewed; the first stays, and the bridge that ran all the time goes on.
async fn renew_second(session: &Session, window: &Window, old: &str, bridge: &mut Talk) -> Result<String> {
    say("renewing one of the two");
    let (_, third) = PRACTICE.make("Pair key 2", 3600)?;
    let first = first_shown(window).await?;
    window.click_css(&format!("[aria-label=\"Renew {HEADER}\"]")).await?;
    window.find("renew-dialog").await?;
    session.picture("two-secrets-renew").await?;
    window.type_into("renew-token-2", &third).await?;
    window.click("renew-submit").await?;
    window.until("renew-dialog", "data-step", "revoke").await?;
    session.picture("two-secrets-revoke").await?;
    PRACTICE.revoke(old)?;
    window.click("renew-revoked").await?;
    window.until("renew-dialog", "data-step", "retired").await?;
    window.click("renew-done").await?;
    ensure!(is_answered(&bridge.whoami().await?), "the running bridge uses the new one");
    window.until(ROW, "data-status", "working").await?;
    ensure!(first_shown(window).await? == first, "the other stays as it is");
    session.picture("two-secrets-renewed").await?;
    Ok(third)
}

/// What the details say of the first of the two.
async fn first_shown(window: &Window) -> Result<String> {
    window.find_css("div.token").await?.text().await.context("its text")
}

/// Its renewal, and how services are reached, in a window that follows a dark desktop.
pub(crate) async fn dark(session: &Session, window: &Window) -> Result<()> {
    window.click(&format!("row-open-{ID}")).await?;
    window.until("detail", "data-connection", ID).await?;
    session.picture("dark-two-secrets").await?;
    window.click_css(&format!("[aria-label=\"Renew {HEADER}\"]")).await?;
    window.find("renew-dialog").await?;
    session.picture("dark-two-secrets-renew").await?;
    window.click("renew-cancel").await?;
    window.gone("renew-dialog").await?;
    window.click("nav-settings").await?;
    window.click("network-open").await?;
    window.find("network-dialog").await?;
    session.picture("dark-network").await?;
    window.click("network-cancel").await?;
    window.gone("network-dialog").await
}

fn is_answered(answer: &Value) -> bool {
    answer["result"]["content"][0]["text"].is_string()
}
