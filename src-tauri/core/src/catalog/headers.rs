//! Headers that people type: which names are free, and that no secret lies in them.
//!
//! What was typed is never repeated in a message unless it is a header's name: people paste tokens into wrong fields.

use crate::connection::{AuthHeader, Carrier};
use crate::error::{Code, Error};
use crate::secret::{find_plaintext, redact};

/// Names that the protocol or the connection sets itself.
const TAKEN: [&str; 15] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "last-event-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header of this name may be set by the user, the token's header included.
pub(super) fn is_free(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    word && !TAKEN.contains(&lower.as_str()) && !lower.starts_with("mcp-") && !lower.starts_with("proxy-")
}

/// Reads the names of further headers that carry the token or a secret of their own, one a line, each with what stands
/// before it if anything: `X-Token`, `X-Auth: Token`; none may be among those that `taken` has.
///
/// # Errors
/// `SettingInvalid` for a line that cannot be sent, `AddressHasToken` for one with a token in it.
pub(super) fn carriers(lines: &str, taken: &AuthHeader) -> Result<Vec<Carrier>, Error> {
    let mut carriers: Vec<Carrier> = Vec::new();
    for (n, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (name, word) = line.split_once(':').map_or((line.trim(), ""), |(name, word)| (name.trim(), word.trim()));
        let is_word = word.len() <= 32 && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_ =".contains(c));
        if redact(line) != line || !is_word {
            return Err(Error::new(Code::AddressHasToken, format!("Line {} holds more than a header's name.", n + 1))
                .hint("Give the names of the headers alone; the token has its own field."));
        }
        let twice = carriers.iter().any(|one| one.name.eq_ignore_ascii_case(name));
        if !is_free(name) || twice || taken.carries(name) {
            return Err(Error::new(Code::SettingInvalid, format!("The header of line {} cannot be set here.", n + 1))
                .hint("Give each header once. A name has letters, digits and hyphens only."));
        }
        let gap = if word.is_empty() || word.ends_with('=') { "" } else { " " };
        carriers.push(Carrier { name: name.to_owned(), prefix: format!("{word}{gap}") });
    }
    Ok(carriers)
}

/// Reads lines `Name: value`; none may have a name that is the token's own.
///
/// # Errors
/// `SettingInvalid` for a line that cannot be sent, `AddressHasToken` for one that would keep a secret in plain text.
pub(super) fn read(lines: &str, auth: &AuthHeader) -> Result<Vec<(String, String)>, Error> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (n, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let (name, value) = read_line(line, n + 1)?;
        let twice = headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name));
        if twice || auth.carries(&name) || name.eq_ignore_ascii_case("authorization") {
            let why = if twice { "It stands there twice." } else { "The token has its own field." };
            return Err(Error::new(Code::SettingInvalid, format!("The header {name} cannot be set here.")).hint(why));
        }
        headers.push((name, value));
    }
    Ok(headers)
}

fn read_line(line: &str, n: usize) -> Result<(String, String), Error> {
    let wrong = |code, message: String, hint: &str| Err(Error::new(code, message).hint(hint));
    let (name, value) = line.split_once(':').map_or((line.trim(), None), |(name, value)| (name.trim(), Some(value)));
    if redact(line) != line {
        return wrong(
            Code::AddressHasToken,
            format!("Line {n} holds a token; it would lie in plain text."),
            "Take it out. If the service wants the token in this header, name the header as the token's own.",
        );
    }
    let Some(value) = value.map(str::trim) else {
        return wrong(Code::SettingInvalid, format!("Line {n} is no header."), "Write it as Name: value.");
    };
    if !is_free(name) {
        let hint = "Patchbay sets some headers itself, and a name has letters, digits and hyphens only.";
        return wrong(Code::SettingInvalid, format!("The header of line {n} cannot be set here."), hint);
    }
    if !value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        let message = format!("The value of {name} has characters that cannot be sent.");
        return wrong(Code::SettingInvalid, message, "Type it anew, in plain letters and digits.");
    }
    if !find_plaintext(&serde_json::json!({ "headers": { name: value } })).is_empty() {
        return wrong(
            Code::AddressHasToken,
            format!("{name} looks like a token; it would lie in plain text."),
            "Take the line out and name this header as the one that carries the token.",
        );
    }
    Ok((name.to_owned(), value.to_owned()))
}
