//! Signing in with the browser, in the real window: waited for and stopped, come too late, refused, allowed, used by an app, ended by
//! the service while a bridge runs, made anew from the notification, and signed out of.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::apps::Talk;
use crate::session::Session;
use crate::window::Window;
use crate::{PRACTICE, keychain, say};

const ID: &str = "by-browser";
const ROW: &str = "row-by-browser";

/// Plays it; every secret that was in the keychain on the way.
pub(crate) async fn sign_in(session: &Session, window: &Window) -> Result<Vec<String>> {
    connect(session, window).await?;
    let mut secrets = keychain::of_sign_ins(session).await?;
    ensure!(has_both(&secrets), "the keychain has both tokens of the sign-in");
    let mut bridge = Talk::start(session.command(&command(session)?).args(["bridge", ID]))?;
    bridge.open().await?;
    ensure!(is_answered(&bridge.whoami().await?), "the app reaches the service with the sign-in");
    again(session, window, &mut bridge).await?;
    secrets.extend(keychain::of_sign_ins(session).await?);
    as_the_app_does(session, window).await?;
    sign_out(session, window, &mut bridge).await?;
    ensure!(keychain::of_sign_ins(session).await?.is_empty(), "nothing of the sign-in is left in the keychain");
    secrets.extend(by_itself(session).await?);
    Ok(secrets)
}

/// Through the wizard: stopped while it waits, waited for too long, refused in the browser, and then allowed there.
async fn connect(session: &Session, window: &Window) -> Result<()> {
    say("signing in with the browser");
    window.click("nav-connections").await?;
    window.click("connect-service").await?;
    window.click("provider-practice").await?;
    window.type_into("field-name", "By browser").await?;
    window.go_on("details").await?;
    window.click("how-sign-in").await?;
    session.picture("how-to-sign-in").await?;
    window.go_on("make").await?;
    window.choose("claude-desktop").await?;
    window.go_on("apps").await?;
    session.decides("wait")?;
    window.click("wizard-next").await?;
    window.until("sign-in-progress", "data-step", "browser").await?;
    ensure!(!window.has("wizard-next").await, "nothing else can be pressed while it waits");
    session.picture("waiting-for-the-browser").await?;
    window.click("sign-in-stop").await?;
    window.gone("sign-in-progress").await?;
    ensure!(entry(session)?.is_null(), "a sign-in that was stopped writes nothing");
    window.hurry(true).await?;
    window.click("wizard-next").await?;
    window.until("wizard-error", "data-code", "sign_in_timeout").await?;
    ensure!(entry(session)?.is_null(), "a sign-in that nobody came back from writes nothing");
    session.picture("sign-in-too-late").await?;
    window.hurry(false).await?;
    session.decides("refuse")?;
    window.click("wizard-next").await?;
    window.until("wizard-error", "data-code", "sign_in_refused").await?;
    session.picture("sign-in-refused").await?;
    session.decides("allow")?;
    window.go_on("review").await?;
    window.until("check-result", "data-verdict", "working").await?;
    session.picture("signed-in").await?;
    window.click("wizard-next").await?;
    window.until(ROW, "data-status", "working").await?;
    ensure!(entry(session)?["args"] == json!(["bridge", ID]), "the app's entry starts the bridge");
    Ok(())
}

/// The service ends the sign-in; a bridge in the background finds out, and the notification leads to the new one.
async fn again(session: &Session, window: &Window, bridge: &mut Talk) -> Result<()> {
    say("the service ends the sign-in");
    session.close_notifications().await?;
    let _watching = session.watch_notifications()?;
    for sign_in in active()? {
        let id = sign_in["id"].as_str().context("an id")?;
        PRACTICE.post(&format!("/api/sign-ins/{id}/end"), &json!({}))?;
    }
    let opened = session.opened();
    let refused = bridge.whoami().await?;
    ensure!(refused["error"]["data"]["code"] == "sign_in_needed", "the bridge says {refused}");
    session.notified("By browser wants you to sign in").await?;
    session.picture("sign-in-notification").await?;
    ensure!(session.had_button("Sign in"), "the notification has a button for it");
    ensure!(session.opened() == opened, "no browser opens by itself");
    window.until(ROW, "data-status", "sign_in_needed").await?;
    session.click_notification().await?;
    window.find("sign-in-dialog").await.context("the notification leads to the sign-in")?;
    session.picture("sign-in-again").await?;
    window.click("sign-in-do").await?;
    window.gone("sign-in-dialog").await?;
    window.until(ROW, "data-status", "working").await?;
    ensure!(is_answered(&bridge.whoami().await?), "the bridge that ran all the time goes on");
    Ok(())
}

/// The check the way the app does it, of the entry that Patchbay wrote.
async fn as_the_app_does(session: &Session, window: &Window) -> Result<()> {
    say("checking the way the app does it");
    if !window.has("detail-name").await {
        window.click(&format!("row-open-{ID}")).await?;
    }
    session.picture("signed-in-details").await?;
    window.click(&format!("as-app-open-claude-desktop-{ID}")).await?;
    window.until("as-app-answer", "data-works", "true").await?;
    ensure!(window.has("as-app-step-tools").await, "each step has its mark");
    session.picture("as-the-app-does").await?;
    window.click("as-app-close").await?;
    window.until(&format!("as-app-last-claude-desktop-{ID}"), "data-works", "true").await?;
    Ok(())
}

async fn sign_out(session: &Session, window: &Window, bridge: &mut Talk) -> Result<()> {
    say("signing out");
    window.click_css("[data-testid^=\"detail-sign-out-\"]").await?;
    window.find("sign-out-dialog").await?;
    session.picture("sign-out").await?;
    window.click("sign-out-do").await?;
    window.until(ROW, "data-status", "signed_out").await?;
    ensure!(active()?.is_empty(), "the service has ended the sign-in too");
    let refused = bridge.whoami().await?;
    ensure!(refused["error"].is_object(), "nobody is signed in any more: {refused}");
    Ok(())
}

/// A client that signs in by itself, with a secret that is given on the command line's input; all that is secret of it.
async fn by_itself(session: &Session) -> Result<Vec<String>> {
    say("a client signs in by itself");
    let made = PRACTICE.post("/api/clients", &json!({ "name": "Nightly", "scopes": ["profile:read"] }))?;
    let text = |key: &str| made[key].as_str().map(str::to_owned).with_context(|| format!("no {key}"));
    let (id, secret) = (text("client_id")?, text("client_secret")?);
    let url = PRACTICE.address();
    let args = ["sign-in", "--url", &url, "--client-id", &id, "--client-secret-stdin", "--grant=client-credentials"];
    session.output_of(session.command(&session.patchbay()).args(args).arg("--scope=profile:read"), &secret).await?;
    let kept = keychain::of_sign_ins(session).await?;
    ensure!(kept.contains(&secret), "the client's secret is in the keychain");
    let mut bridge = Talk::start(session.command(&session.patchbay()).args(["bridge", "--url", &url]))?;
    bridge.open().await?;
    ensure!(is_answered(&bridge.whoami().await?), "the client reaches the service");
    Ok(kept)
}

/// The sign-ins that the service has not ended.
fn active() -> Result<Vec<Value>> {
    let all = PRACTICE.get("/api/sign-ins")?;
    Ok(all.as_array().into_iter().flatten().filter(|sign_in| sign_in["active"] == true).cloned().collect())
}

fn is_answered(answer: &Value) -> bool {
    answer["result"]["content"][0]["text"].is_string()
}

fn has_both(secrets: &[String]) -> bool {
    ["pba_", "pbr_"].iter().all(|kind| secrets.iter().any(|secret| secret.starts_with(kind)))
}

/// Our entry in Claude Desktop's file; nothing where there is none.
fn entry(session: &Session) -> Result<Value> {
    let file = session.home().join(".config/Claude/claude_desktop_config.json");
    let config: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    Ok(config["mcpServers"][ID].clone())
}

fn command(session: &Session) -> Result<String> {
    Ok(entry(session)?["command"].as_str().context("a command")?.to_owned())
}
