//! What lies in the session's keychain, so that the search for secrets looks for what is really kept.

use std::process::Stdio;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::session::Session;

/// Access tokens, refresh tokens and clients' secrets of all sign-ins.
pub(crate) async fn of_sign_ins(session: &Session) -> Result<Vec<String>> {
    let mut command = session.command("secret-tool");
    command.args(["search", "--all", "--unlock", "service", "Patchbay"]).stderr(Stdio::null()).stdout(Stdio::piped());
    // What it says is kept nowhere.
    let output = command.output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let kept: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("secret = ")).collect();
    ensure!(!kept.is_empty(), "the keychain shows nothing at all");
    let bundles = kept.iter().filter_map(|secret| serde_json::from_str::<Value>(secret).ok());
    Ok(bundles.flat_map(|bundle| secrets(&bundle)).collect())
}

fn secrets(bundle: &Value) -> Vec<String> {
    let all = [&bundle["access"], &bundle["refresh"], &bundle["client"]["secret"]];
    all.into_iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
