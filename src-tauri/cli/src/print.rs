//! What people and scripts see.

use std::io::Write;
use std::process::ExitCode;

use patchbay_core::secret::redact;
use patchbay_core::{Code, Error};

/// A line on standard output. A reader that has gone away is no error.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A value as JSON on standard output.
pub fn json(value: &impl serde::Serialize) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// A line on standard error.
pub fn notice(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", redact(text));
}

/// An address to open, whole, on standard error; one that asks for a sign-in holds no secret.
pub fn address(address: &str) {
    let _ = writeln!(std::io::stderr(), "{address}");
}

/// Something odd about what went well, in one line.
pub fn warning(warning: &Error) {
    notice(&format!("warning: {}", sentence(warning)));
}

/// An error: one line for people on standard error, and for scripts its code and all else on standard output.
pub fn failure(error: &Error, as_json: bool) -> ExitCode {
    if as_json {
        json(&serde_json::json!({ "error": without_secrets(error) }));
    }
    notice(&sentence(error));
    ExitCode::from(exit_code(error.code))
}

/// The same, and for scripts beside the error what it is about.
pub fn failure_about(error: &Error, name: &str, about: &impl serde::Serialize) -> ExitCode {
    json(&serde_json::json!({ "error": without_secrets(error), name: about }));
    notice(&sentence(error));
    ExitCode::from(exit_code(error.code))
}

/// No error holds a secret; this makes sure of it.
pub fn without_secrets(error: &Error) -> Error {
    let hint = error.hint.as_ref().map(|hint| redact(hint).into_owned());
    Error { message: redact(&error.message).into_owned(), hint, ..error.clone() }
}

/// An error in one line: what went wrong, and the way out as a sentence of its own.
pub fn sentence(error: &Error) -> String {
    without_secrets(error).in_sentences().replace(['\n', '\r'], " ")
}

/// 1 where something needs attention, 2 where the input has to change.
fn exit_code(code: Code) -> u8 {
    match code {
        Code::RenewalRefused
        | Code::RenewalUnverified
        | Code::CheckFailed
        | Code::Cancelled
        | Code::KeychainLocked
        | Code::KeychainRefused
        | Code::KeychainAbsent
        | Code::KeychainSlow
        | Code::KeychainFailed
        | Code::VaultLocked
        | Code::TokenMissing
        | Code::ProxyPasswordMissing
        | Code::SignInNeeded
        | Code::SignInNewer
        | Code::SignInRefused
        | Code::SignInTimeout
        | Code::Unreachable
        | Code::ServiceError
        | Code::PracticePort
        | Code::FileBusy
        | Code::AppNotRunning
        | Code::ReopenByHand
        | Code::AppStillRuns
        | Code::AppNotStarted
        | Code::FileChanged
        | Code::DiskFull
        | Code::Io
        | Code::UndoConflict
        | Code::Internal => 1,
        _ => 2,
    }
}

/// Help and version go to standard output; bad usage is an error like others.
pub fn usage(error: &clap::Error, as_json: bool) -> ExitCode {
    use clap::error::ErrorKind;
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        line(error.render().to_string().trim_end());
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    // What is missing is named on the lines below the first.
    let lines = text.lines().take_while(|line| !line.starts_with("Usage:")).map(str::trim);
    let said: Vec<&str> = lines.filter(|line| !line.is_empty() && !line.starts_with("tip: ")).collect();
    let said = said.join(" ");
    let said = said.trim().trim_start_matches("error: ");
    // The library would list all commands, also those that are only for apps.
    let lacks_command =
        matches!(error.kind(), ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand);
    let said =
        if lacks_command { "Say what to do." } else { said.split(" For more information").next().unwrap_or(said) };
    let tip = text.lines().find_map(|line| line.trim().strip_prefix("tip: ")).filter(|tip| !said.contains(tip));
    let tip = tip.map(|tip| format!(". {}.", capital(tip.trim_end_matches('.')))).unwrap_or_default();
    let hint = format!("See: {} --help", command(&text));
    failure(&Error::new(Code::Usage, format!("{}{tip}", capital(said))).hint(hint), as_json)
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// The command that the usage is about, as it is called.
fn command(text: &str) -> String {
    let usage = text.lines().find_map(|line| line.trim().strip_prefix("Usage: ")).unwrap_or_default();
    let words = usage.split_whitespace().take_while(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
    let words = words.collect::<Vec<_>>().join(" ");
    if words.is_empty() { "patchbay".to_owned() } else { words }
}
