//! Secrets from standard input, and what there is to be said about them before they are used.

use std::io::{BufRead, IsTerminal, Read};

use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Request};
use patchbay_core::connection::AuthHeader;
use patchbay_core::secret::Secret;
use patchbay_core::{Code, Error, Result};
use zeroize::Zeroizing;

use crate::commands::unexpected;
use crate::print;

/// What is longer is no token and no passphrase; the core's own limit for a token is lower.
const MOST_BYTES: u64 = 64 * 1024;

/// Reads a secret from standard input, of which it is the whole: it is never cut.
pub(crate) fn from_stdin(what: &str) -> Result<Secret> {
    if std::io::stdin().is_terminal() {
        print::notice(&format!("Paste the {what}, press Enter, then Ctrl+D:"));
    }
    let mut bytes = Vec::new();
    let no_text = || Error::new(Code::TokenControlCharacters, format!("The {what} is no text.")).field("token");
    std::io::stdin().take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|_| no_text())?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Error::new(Code::TokenTooLong, format!("This is far longer than any {what}."))
            .hint("Look at what the command reads.")
            .field("token"));
    }
    let text = String::from_utf8(bytes).map_err(|_| no_text())?;
    Ok(Secret::new(if what == "token" { text } else { text.trim_end_matches(['\n', '\r']).to_owned() }))
}

/// Reads a connection's secrets: all of standard input, one on a line; a person is asked for one after the other, and
/// presses Enter alone where one stays as it is.
pub(crate) fn secrets_from_stdin(labels: &[String], may_stay: bool) -> Result<Secret> {
    if labels.len() < 2 || !std::io::stdin().is_terminal() {
        return from_stdin("token");
    }
    let stays = if may_stay { ", or press Enter alone to leave it as it is" } else { "" };
    let no_text = || Error::new(Code::TokenControlCharacters, "This is no text.").field("token");
    let mut lines = Zeroizing::new(String::new());
    for label in labels {
        print::notice(&format!("{label}: paste it and press Enter{stays}:"));
        let mut line = Zeroizing::new(String::new());
        std::io::stdin().lock().take(MOST_BYTES).read_line(&mut line).map_err(|_| no_text())?;
        lines.push_str(line.trim_end_matches(['\n', '\r']));
        lines.push('\n');
    }
    Ok(Secret::new(lines.as_str()))
}

/// What looks odd about a token although nobody can be sure: to be said once all else went well.
pub(crate) async fn doubts(
    patchbay: &Patchbay,
    provider: &str,
    connection: Option<&str>,
    auth: Option<&AuthHeader>,
    secret: Option<&Secret>,
) -> Result<Vec<Error>> {
    let Some(secret) = secret else { return Ok(Vec::new()) };
    let mut doubts = Vec::new();
    for (header, secret) in by_header(auth, secret) {
        let (provider, connection) = (provider.to_owned(), connection.map(str::to_owned));
        let request = Request::InspectToken { provider, connection, header };
        let Answer::TokenLook(look) = patchbay.call(request, Some(secret)).await? else { return Err(unexpected()) };
        // That another connection uses it too is refused, or was overruled.
        doubts.extend(look.warnings.into_iter().filter(|warning| warning.code == Code::TokenShape));
    }
    Ok(doubts)
}

/// What was given, by the header that it is for: all of it is the token where nothing goes along with that.
fn by_header(auth: Option<&AuthHeader>, secret: &Secret) -> Vec<(Option<String>, Secret)> {
    let Some(auth) = auth.filter(|auth| !auth.beside.is_empty()) else { return vec![(None, secret.clone())] };
    let headers = std::iter::once(None).chain(auth.beside.iter().map(|one| Some(one.name.clone())));
    let lines = headers.zip(secret.expose().lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(header, line)| (header, Secret::new(line))).collect()
}
