//! `patchbay practice`.

use std::process::ExitCode;
use std::time::Duration;

use patchbay_core::{Code, Error, Host, Result};
use patchbay_practice::{Options, PracticeError, SignInRules};
use serde_json::json;

use crate::print;

/// Serves until it is stopped.
pub(crate) async fn run(
    host: &Host,
    port: u16,
    access: Duration,
    until_input_ends: bool,
    as_json: bool,
) -> Result<ExitCode> {
    let store = Some(host.data_dir().join("practice.json"));
    let sign_ins = SignInRules { access, ..SignInRules::default() };
    let options = Options { port, store, sign_ins };
    let running = patchbay_practice::start(options).await;
    let running = running.map_err(|error| {
        let code = if matches!(error, PracticeError::PortTaken(_)) { Code::PracticePort } else { Code::Io };
        Error::new(code, error.to_string()).hint("Choose another port with --port, or close the other program.")
    })?;
    if as_json {
        print::line(
            &json!({ "mcp": running.mcp_url(), "tokens": running.tokens_url(), "sign_ins": running.sign_ins_url() })
                .to_string(),
        );
    } else {
        print::line("This is the practice service. Its tokens are worth nothing anywhere else.");
        print::line(&format!("MCP address: {}", running.mcp_url()));
        print::line(&format!("Make a token at: {}", running.tokens_url()));
        print::line(&format!("See which apps signed in at: {}", running.sign_ins_url()));
    }
    let stopped = |error| Error::new(Code::Io, format!("The practice service stopped: {error}"));
    tokio::select! {
        ended = running.wait() => ended.map_err(stopped)?,
        () = input_ends(), if until_input_ends => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn input_ends() {
    // Whatever comes is read and left; an error is an end too.
    let read = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()));
    drop(read.await);
}
