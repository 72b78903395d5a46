//! Secrets from standard input, and what there is to be said about them before they are used.

use std::io::{IsTerminal, Read};

use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Request};
use patchbay_core::secret::Secret;
use patchbay_core::{Code, Error, Result};

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

/// What looks odd about a token although nobody can be sure: to be said once all else went well.
pub(crate) async fn doubts(
    patchbay: &Patchbay,
    provider: &str,
    connection: Option<&str>,
    secret: Option<&Secret>,
) -> Result<Vec<Error>> {
    let Some(secret) = secret else { return Ok(Vec::new()) };
    let request = Request::InspectToken { provider: provider.to_owned(), connection: connection.map(str::to_owned) };
    let Answer::TokenLook(look) = patchbay.call(request, Some(secret.clone())).await? else {
        return Err(unexpected());
    };
    // That another connection uses it too is refused, or was overruled.
    Ok(look.warnings.into_iter().filter(|warning| warning.code == Code::TokenShape).collect())
}
