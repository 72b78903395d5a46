//! Finds tokens that lie in plain text in an app's entry.

use serde_json::Value;

use super::redact::{MASK, is_token_name, is_token_parameter, looks_like_token, redact_with};

/// Where apps let people write tokens, as JSON pointers: flat, under `transport` (Cline), `command` (older Zed) or
/// `requestOptions` (Continue), and an extension's `settings` (Zed).
const TABLES: &[&str] = &[
    "/env",
    "/envs",
    "/headers",
    "/http_headers",
    "/transport/env",
    "/transport/headers",
    "/command/env",
    "/requestOptions/headers",
    "/settings",
    "/auth",
    "/oauth",
    "/oauth/tokens",
    "/oauthClient",
];
const FIELDS: &[&str] = &["/bearer_token", "/apiKey", "/token"];
const ADDRESSES: &[&str] = &["/url", "/httpUrl", "/serverUrl", "/uri", "/transport/url"];
const ARGUMENTS: &[&str] = &["/args", "/transport/args", "/command/args"];

/// A token in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: `env.API_TOKEN`, `headers.Authorization`, `args[3]`, `url`.
    pub path: String,
    /// The same, to be followed.
    pub(crate) pointer: String,
}

/// The texts in an entry in which a literal token lies.
pub(crate) fn plaintext_literals(entry: &Value) -> Vec<&str> {
    find_plaintext(entry).iter().filter_map(|finding| finding.literal(entry)).collect()
}

/// A text with every literal token of these entries masked, wherever it stands.
pub fn mask<'a>(text: &str, entries: impl Iterator<Item = &'a Value>) -> String {
    // JSON and TOML write most tokens just as they are, the others escaped.
    redact_with(text, entries.flat_map(plaintext_literals))
}

impl Finding {
    fn at(pointer: &str) -> Self {
        Self { path: pointer[1..].replace('/', "."), pointer: pointer.to_owned() }
    }

    fn in_table(table: &str, name: &str) -> Self {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        Self { path: format!("{}.{name}", Self::at(table).path), pointer: format!("{table}/{escaped}") }
    }

    fn in_list(list: &str, n: usize) -> Self {
        Self { path: format!("{}[{n}]", Self::at(list).path), pointer: format!("{list}/{n}") }
    }

    /// The text in which the token lies.
    pub(crate) fn literal<'a>(&self, entry: &'a Value) -> Option<&'a str> {
        entry.pointer(&self.pointer)?.as_str().filter(|text| text.len() >= 4)
    }
}

/// All places in an entry where a literal token lies. References such as `${TOKEN}` are none.
pub fn find_plaintext(entry: &Value) -> Vec<Finding> {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    let mut found = Vec::new();
    for table in TABLES {
        for (name, value) in entry.pointer(table).and_then(Value::as_object).into_iter().flatten() {
            let Some(text) = value.as_str() else { continue };
            let named = is_token_name(name) || table.ends_with("headers") && is_secret_header(name);
            if is_literal(text) && (named || looks_like_token(text) || address_has_token(text)) {
                found.push(Finding::in_table(table, name));
            }
        }
    }
    found.extend(FIELDS.iter().filter(|field| text(field).is_some_and(is_literal)).map(|field| Finding::at(field)));
    found.extend(ADDRESSES.iter().filter(|url| text(url).is_some_and(address_has_token)).map(|url| Finding::at(url)));
    found.extend(ARGUMENTS.iter().flat_map(|list| in_args(entry, list)));
    found
}

fn in_args(entry: &Value, list: &str) -> Vec<Finding> {
    let args: Vec<&str> = entry
        .pointer(list)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|arg| arg.as_str().unwrap_or(""))
        .collect();
    let holds = |n: usize| {
        let arg = args[n];
        let flag = n.checked_sub(1).map_or("", |before| args[before]);
        let (name, value) = arg.split_once('=').unwrap_or(("", arg));
        let header = arg.split_once(':').filter(|(name, _)| is_secret_header(name.trim()));
        header.is_some_and(|(_, value)| is_literal(value.trim()))
            || name.starts_with('-') && is_token_name(name) && is_literal(value)
            || flag.starts_with('-')
                && !flag.contains('=')
                && is_token_name(flag)
                && is_literal(arg)
                && !arg.starts_with('-')
            || looks_like_token(arg)
            || address_has_token(arg)
            || sets_token(arg)
    };
    (0..args.len()).filter(|n| holds(*n)).map(|n| Finding::in_list(list, n)).collect()
}

/// Whether an argument, or a line that it gives to a shell, sets a variable to a literal token: `X_TOKEN=abc exec node`.
fn sets_token(arg: &str) -> bool {
    const SHORTEST: usize = 6;
    let is_quote = |c: char| matches!(c, '"' | '\'' | '(' | '{');
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_value = |value: &str| value.len() >= SHORTEST && is_literal(value) && !value.starts_with(['`', '%']);
    arg.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|'))
        .filter_map(|word| word.trim_start_matches(is_quote).split_once('='))
        .any(|(name, value)| is_name(name) && is_token_name(name) && is_value(value.trim_matches(is_quote)))
}

pub(crate) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "authorization" || name == "proxy-authorization" || name == "cookie" || is_token_name(&name)
}

/// A value that stands for itself: not empty and no reference to a variable.
fn is_literal(text: &str) -> bool {
    let value = text.trim();
    let value = value.split_once(' ').map_or(value, |(_, rest)| rest.trim());
    // A mask stands where a token was.
    !value.is_empty()
        && !value.starts_with(MASK)
        && !text.contains("${")
        && !value.starts_with('$')
        && !value.starts_with('<')
}

fn address_has_token(text: &str) -> bool {
    let Ok(url) = url::Url::parse(text) else { return false };
    url.password().is_some_and(is_literal)
        || matches!(url.scheme(), "http" | "https")
            && url.query_pairs().any(|(name, value)| is_token_parameter(&name, &value) && is_literal(&value))
}
