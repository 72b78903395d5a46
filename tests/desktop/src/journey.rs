//! The journey: practice service, token, three apps, working; revoked; renewed; changed outside; reminded; undone.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use patchbay_test_support::canary;
use serde_json::Value;

use crate::apps::{self, Talk};
use crate::session::Session;
use crate::window::Window;
use crate::{PRACTICE, bring, company, pair, say, signing};

const DESKTOP: &str = "{\n  \"preferences\": { \"menuBar\": true },\n  \"mcpServers\": {\n    \"weather\": { \"command\": \"npx\", \"args\": [\"-y\", \"weather-mcp\"] }\n  }\n}\n";
const CODE: &str = "{\n  \"numStartups\": 3,\n  \"theme\": \"dark\"\n}";
const CODEX: &str = "# my settings\nmodel = \"gpt-5\" # the usual one\n\n[mcp_servers.weather]\ncommand = \"npx\"\nargs = [\"-y\", \"weather-mcp\"] # keep this\nenabled = false\n\n# the end\n";

/// Plays it all; the first step that fails ends it.
pub(crate) async fn play() -> Result<()> {
    let mut session = Session::start().await?;
    session.clear_pictures()?;
    std::fs::write(session.home().join(".config/Claude/claude_desktop_config.json"), DESKTOP)?;
    std::fs::write(session.home().join(".claude.json"), CODE)?;
    std::fs::write(session.home().join(".codex/config.toml"), CODEX)?;
    let window = Window::open(&mut session).await?;
    window.collect_errors().await?;
    let (first_id, first) = connect(&session, &window).await?;
    let id = "practice-service";
    say("real apps read what was written");
    real_apps(&session, id).await?;
    let mut bridge = Talk::start(session.command(&session.patchbay()).args(["bridge", id]))?;
    bridge.open().await?;
    works(&bridge.whoami().await?)?;
    let helper = headers_helper(&session, &window).await?;
    let second = renew(&session, &window, id, &first_id, &mut bridge).await?;
    drift(&session, &window, id).await?;
    let third = remind(&session, &window, id).await?;
    undo(&session, &window).await?;
    let fourth = bring::bring_in(&session, &window, &address(&session).await?).await?;
    bring::told(&session, &window).await?;
    let mut hidden = signing::sign_in(&session, &window).await?;
    hidden.extend(pair::pair(&session, &window).await?);
    hidden.extend(company::network(&session, &window).await?.map(str::to_owned));
    hidden.extend([first, second, third, fourth, helper]);
    say("looking for tokens where none may be");
    let said = [session.notifications(), session.tray_menu().await?];
    ensure!(bridge.pid().is_some(), "the bridge still runs");
    let log = std::fs::read_to_string(session.home().join("said"))?;
    ensure!(log.contains("DEBUG") && log.contains("by-headers"), "the programs' words are kept to be searched: {log}");
    canary::search(
        session.home(),
        &hidden.iter().map(String::as_str).collect::<Vec<_>>(),
        &[&said[0], &said[1], bridge.heard()],
    )?;
    window.close().await?;
    drop(bridge);
    bring::dark(&mut session).await?;
    say("the journey is done");
    Ok(())
}

/// The practice service's address.
async fn address(session: &Session) -> Result<String> {
    let listed = session.answer(session.command(&session.patchbay()).args(["list", "--json"])).await?;
    let listed: Value = serde_json::from_str(&listed)?;
    Ok(listed["connections"][0]["url"].as_str().context("an address")?.to_owned())
}

/// From the first start to a working connection in three apps.
async fn connect(session: &Session, window: &Window) -> Result<(String, String)> {
    say("first start");
    window.find("first-start").await?;
    session.picture("first-start").await?;
    window.click("try-practice").await?;
    window.find("wizard").await?;
    let mut made = None;
    for _ in 0..12 {
        let step = window.step().await?;
        session.picture(&format!("wizard-{step}")).await?;
        match step.as_str() {
            "paste" => {
                let token = PRACTICE.make("Claude Desktop MCP", 3600)?;
                window.type_into("token-input", &token.1).await?;
                made = Some(token);
            }
            "apps" => {
                for client in ["claude-desktop", "claude-code", "codex"] {
                    window.choose(client).await?;
                }
                session.picture("wizard-apps-chosen").await?;
            }
            "check" => break,
            _ => {}
        }
        window.go_on(&step).await?;
    }
    say("connected; checking live");
    window.until("check-result", "data-verdict", "working").await?;
    session.picture("wizard-working").await?;
    window.click("wizard-next").await?;
    window.until("row-practice-service", "data-status", "working").await?;
    session.picture("list-working").await?;
    made.context("the wizard asked for no token")
}

async fn real_apps(session: &Session, id: &str) -> Result<()> {
    apps::claude_connects(session, id).await.context("claude through the bridge")?;
    apps::codex_lists_tools(session, id).await.context("codex through the bridge")?;
    let config: Value = serde_json::from_str(&apps::codex_reads(session).await?).context("codex reads its file")?;
    let names: Vec<_> = config.as_array().into_iter().flatten().filter_map(|server| server["name"].as_str()).collect();
    ensure!(names.contains(&"weather") && names.contains(&id), "codex sees {names:?}");
    // Outside our entry, every byte is as it was, in its place. Claude Code writes its own file anew.
    for (file, before) in [(".codex/config.toml", CODEX), (".config/Claude/claude_desktop_config.json", DESKTOP)] {
        let text = std::fs::read_to_string(session.home().join(file))?;
        ensure!(is_inserted(before, &text) && text.contains(id), "{file}: {before:?} became {text:?}");
    }
    Ok(())
}

/// Whether a text is another one with one stretch put in.
fn is_inserted(before: &str, after: &str) -> bool {
    let head = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let tail = before.bytes().rev().zip(after.bytes().rev()).take_while(|(a, b)| a == b).count();
    after.len() > before.len() && head + tail >= before.len()
}

/// The other wiring: Claude Code speaks to the service itself and asks Patchbay for the header.
async fn headers_helper(session: &Session, window: &Window) -> Result<String> {
    say("claude through its headers helper");
    let file = session.home().join(".claude.json");
    let (_, token) = PRACTICE.make("Claude Code MCP", 3600)?;
    let add = ["add", "--provider", "practice", "--name", "By headers", "--app", "claude-code", "--token-stdin"];
    let wiring = ["--wiring", "headers-helper"];
    session.output_of(session.command(&session.patchbay()).args(add).args(wiring), &token).await.context("add")?;
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    let entry = &config["mcpServers"]["by-headers"];
    ensure!(entry["type"] == "http" && entry["headersHelper"].is_string(), "the entry is {entry}");
    apps::claude_connects(session, "by-headers").await.context("claude through headersHelper")?;
    window.until("row-by-headers", "data-status", "unchecked").await.context("the window hears of it")?;
    session.answer(session.command(&session.patchbay()).args(["check", "by-headers"])).await?;
    window.until("row-by-headers", "data-status", "working").await.context("the window hears of the check")?;
    session.answer(session.command(&session.patchbay()).args(["remove", "by-headers"])).await?;
    let config: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    ensure!(config["mcpServers"].get("by-headers").is_none(), "the entry is still there");
    ensure!(config["numStartups"] == 3, "the rest is {config}");
    Ok(token)
}

fn works(answer: &Value) -> Result<()> {
    ensure!(answer["result"]["content"][0]["text"].is_string(), "the bridge answers {answer}");
    Ok(())
}

/// The token is revoked; the check says so; it is renewed; the bridge that ran all the time goes on.
async fn renew(session: &Session, window: &Window, id: &str, old: &str, bridge: &mut Talk) -> Result<String> {
    say("the token is revoked at the service");
    PRACTICE.revoke(old)?;
    let refused = bridge.whoami().await?;
    ensure!(refused["error"]["data"]["code"] == "token_refused", "the bridge says {refused}");
    window.click("check-all").await?;
    window.until(&format!("row-{id}"), "data-status", "token_refused").await?;
    window.click(&format!("row-open-{id}")).await?;
    session.picture("token-refused").await?;
    say("renewing it");
    window.click(&format!("row-action-{id}")).await?;
    window.find("renew-dialog").await?;
    session.picture("renew").await?;
    let (_, token) = PRACTICE.make("Claude Desktop MCP 2", 3600)?;
    window.type_into("renew-token", &token).await?;
    window.click("renew-submit").await?;
    // The service refused the old token before, so nothing is left to be revoked.
    window.until("renew-dialog", "data-step", "retired").await?;
    session.picture("renewed").await?;
    window.click("renew-done").await?;
    works(&bridge.whoami().await?).context("the running bridge uses the new token")?;
    window.until(&format!("row-{id}"), "data-status", "working").await?;
    Ok(token)
}

/// Somebody takes our entry out by hand; it is put back.
async fn drift(session: &Session, window: &Window, id: &str) -> Result<()> {
    say("an entry is removed by hand");
    let file = session.home().join(".codex/config.toml");
    let ours = std::fs::read_to_string(&file)?;
    std::fs::write(&file, CODEX)?;
    let heard = window.until(&format!("row-{id}"), "data-status", "changed_outside").await?;
    say(&format!("seen after {} ms", heard.as_millis()));
    session.picture("changed-outside").await?;
    window.click(&format!("row-action-{id}")).await?;
    window.until(&format!("row-{id}"), "data-status", "working").await?;
    ensure!(std::fs::read_to_string(&file)? == ours, "the entry is back, byte for byte");
    Ok(())
}

/// A token ends; the system's notification and the tray say so.
async fn remind(session: &Session, window: &Window, id: &str) -> Result<String> {
    say("a token ends");
    let (_, token) = PRACTICE.make("short", 60)?;
    let renew = ["renew", id, "--token-stdin", "--expires", &soon()];
    session.output_of(session.command(&session.patchbay()).args(renew), &token).await?;
    for _ in 0..60 {
        if session.notifications().contains("has ended") {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let told = session.notifications();
    ensure!(told.contains("The token for Practice service has ended"), "notified: {told:?}");
    window.until(&format!("row-{id}"), "data-status", "token_ended").await?;
    session.picture("token-ended").await?;
    let menu = session.tray_menu().await?;
    ensure!(
        menu.contains("Renew Practice service") && menu.contains("Check all") && menu.contains("Quit"),
        "the tray shows {menu}"
    );
    Ok(token)
}

/// A few seconds from now, RFC 3339.
fn soon() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs() + 6;
    let output =
        std::process::Command::new("date").args(["-u", "-d", &format!("@{now}"), "+%Y-%m-%dT%H:%M:%SZ"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

/// The last change of a file is undone.
async fn undo(session: &Session, window: &Window) -> Result<()> {
    say("undo");
    window.click("nav-activity").await?;
    window.find("view-activity").await?;
    session.picture("activity").await?;
    let undo = window.find_css("[data-testid^=\"activity-undo-\"]").await?;
    undo.click().await?;
    let file = session.home().join(".codex/config.toml");
    let mut undone = false;
    for _ in 0..50 {
        undone = std::fs::read_to_string(&file)? == CODEX;
        if undone {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    ensure!(undone, "the file is as it was before the change");
    for (screen, picture) in [("apps", "apps"), ("settings", "settings"), ("connections", "connections")] {
        window.click(&format!("nav-{screen}")).await?;
        window.find(&format!("view-{screen}")).await?;
        session.picture(picture).await?;
    }
    ensure!(!window.has("load-error").await, "the window is well");
    Ok(())
}
