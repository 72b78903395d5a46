//! *Copy as curl*.

use super::exchange::initialize_body;
use crate::connection::AuthHeader;
use crate::wire::Endpoint;

/// The check's `initialize` call as a shell command, with `$TOKEN` in the token's place, and `$TOKEN_2` in that of the next secret.
pub fn curl(endpoint: &Endpoint, auth: &AuthHeader, has_token: bool) -> String {
    let mut lines = vec![format!("curl -sS -X POST {}", quoted(endpoint.url().as_str()))];
    if has_token {
        let value = match &auth.user {
            Some(user) => format!("$(printf %s \"{}:$TOKEN\" | base64 | tr -d '\\n')", escaped(user)),
            None => "$TOKEN".to_owned(),
        };
        lines.push(format!("-H \"{}: {}{value}\"", escaped(&auth.name), escaped(&auth.prefix)));
        let more = auth.also.iter();
        lines.extend(more.map(|one| format!("-H \"{}: {}$TOKEN\"", escaped(&one.name), escaped(&one.prefix))));
        let beside = auth.beside.iter().zip(2..);
        lines.extend(
            beside.map(|(one, n)| format!("-H \"{}: {}$TOKEN_{n}\"", escaped(&one.name), escaped(&one.prefix))),
        );
    }
    lines.extend(endpoint.plain_headers().map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))));
    lines.push("-H 'Content-Type: application/json'".to_owned());
    lines.push("-H 'Accept: application/json, text/event-stream'".to_owned());
    lines.push(format!("--data {}", quoted(&initialize_body(1).to_string())));
    lines.join(" \\\n  ")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// For use within double quotes.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if "\\\"$`".contains(c) { vec!['\\', c] } else { vec![c] }).collect()
}
