//! What others did: an entry made by hand is brought in, and what somebody makes of ours is told, in light and dark.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::apps::Talk;
use crate::session::Session;
use crate::window::Window;
use crate::{PRACTICE, say};

const ID: &str = "practice-service";

/// An entry with a token in its arguments appears in Cursor; it is brought in, and the token leaves the files.
pub(crate) async fn bring_in(session: &Session, window: &Window, url: &str) -> Result<String> {
    say("somebody set up a service by hand");
    let (_, token) = PRACTICE.make("Cursor by hand", 3600)?;
    let file = session.home().join(".cursor/mcp.json");
    std::fs::create_dir_all(session.home().join(".cursor"))?;
    let args = ["-y", "mcp-remote", url, "--allow-http", "--header", &format!("Authorization: Bearer {token}")];
    let by_hand = json!({ "mcpServers": { "notes": { "command": "npx", "args": args } } });
    std::fs::write(&file, serde_json::to_string_pretty(&by_hand)?)?;
    window.click("nav-apps").await?;
    window.find("news-cursor-notes").await.context("what others added is shown")?;
    session.picture("apps-news").await?;
    window.click("apps-import").await?;
    window.find("view-import").await?;
    session.picture("import-list").await?;
    window.find_css("[data-testid^=\"bring-\"]").await?.click().await?;
    window.find("bring-dialog").await?;
    session.picture("import-plan").await?;
    window.click("bring-apply").await?;
    window.gone("bring-dialog").await?;
    session.picture("import-done").await?;
    let now: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    let entry = &now["mcpServers"]["notes"];
    ensure!(entry["args"] == json!(["bridge", ID]), "the entry is {now}");
    let command = entry["command"].as_str().context("a command")?;
    let mut bridge = Talk::start(session.command(command).args(["bridge", ID]))?;
    bridge.open().await?;
    ensure!(bridge.whoami().await?["result"]["content"][0]["text"].is_string(), "the app reaches the service");
    // The copies of the file before hold the token until they are purged.
    let purge = ["history", "purge", "--all"];
    session.output_of(session.command(&session.patchbay()).args(purge), "").await.context("purge")?;
    Ok(token)
}

/// Our entry is renamed, changed and doubled by hand; each has its sentence, and each is put back.
pub(crate) async fn told(session: &Session, window: &Window) -> Result<()> {
    for kind in ["renamed", "changed", "duplicated"] {
        say(&format!("our entry is {kind} by hand"));
        let (file, ours) = make(session, kind)?;
        window.click("nav-connections").await?;
        window.until(&format!("row-{ID}"), "data-status", "changed_outside").await?;
        open(window).await?;
        window.until("detail-drift-claude-desktop", "data-kind", kind).await?;
        session.picture(&format!("drift-{kind}")).await?;
        window.click("detail-put-back-claude-desktop").await?;
        window.gone("detail-drift-claude-desktop").await?;
        let now: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
        ensure!(now == serde_json::from_str::<Value>(&ours)?, "{kind}: it is as before: {now}");
    }
    Ok(())
}

async fn open(window: &Window) -> Result<()> {
    if !window.has("detail-name").await {
        window.click(&format!("row-open-{ID}")).await?;
    }
    Ok(())
}

/// Does that to our entry in Claude Desktop's file; the file and its text before.
fn make(session: &Session, kind: &str) -> Result<(PathBuf, String)> {
    let file = session.home().join(".config/Claude/claude_desktop_config.json");
    let ours = std::fs::read_to_string(&file)?;
    let mut config: Value = serde_json::from_str(&ours)?;
    let servers = config["mcpServers"].as_object_mut().context("servers")?;
    let mut entry = servers.get(ID).context("our entry")?.clone();
    match kind {
        "renamed" => {
            servers.shift_remove(ID);
            servers.insert("practice".to_owned(), entry);
        }
        "changed" => {
            entry["command"] = json!("npx");
            servers.insert(ID.to_owned(), entry);
        }
        _ => drop(servers.insert("practice-copy".to_owned(), entry)),
    }
    std::fs::write(&file, serde_json::to_string_pretty(&config)?)?;
    Ok((file, ours))
}

/// The screens of a window that follows a dark desktop.
pub(crate) async fn dark(session: &mut Session) -> Result<()> {
    say("the same in the dark");
    let settings = session.home().join(".config/gtk-3.0");
    std::fs::create_dir_all(&settings)?;
    std::fs::write(settings.join("settings.ini"), "[Settings]\ngtk-application-prefer-dark-theme=1\n")?;
    let (file, ours) = make(session, "renamed")?;
    let window = Window::open(session).await?;
    window.until(&format!("row-{ID}"), "data-status", "changed_outside").await?;
    open(&window).await?;
    window.find("detail-drift-claude-desktop").await?;
    session.picture("dark-drift").await?;
    crate::pair::dark(session, &window).await?;
    for (button, view) in [("nav-apps", "view-apps"), ("apps-import", "view-import"), ("nav-activity", "view-activity")]
    {
        window.click(button).await?;
        window.find(view).await?;
        session.picture(&format!("dark-{}", view.trim_start_matches("view-"))).await?;
    }
    std::fs::write(&file, ours)?;
    window.close().await
}
