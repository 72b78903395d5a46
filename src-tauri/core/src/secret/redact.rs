//! Keeps secrets out of texts: the last line of defence after the types.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::io::{self, Write};
use std::ops::Range;

use zeroize::Zeroizing;

/// Beginnings by which services mark their tokens, with the least length of what follows.
const PREFIXES: &[(&str, usize)] = &[
    ("rtly_mcp_pat_", 8),
    ("pbp_", 12),
    // The practice service's sign-ins: access and refresh tokens, clients' secrets, codes.
    ("pba_", 12),
    ("pbr_", 12),
    ("pbs_", 12),
    ("pbo_", 12),
    ("github_pat_", 20),
    ("ghp_", 20),
    ("gho_", 20),
    ("glpat-", 16),
    ("sk-ant-", 16),
    ("sk-", 20),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("rt_", 20),
    ("ctx7sk-", 8),
    ("ddpat_", 16),
    ("AKIA", 16),
    ("eyJ", 30),
];

pub(crate) const MASK: &str = "•••";

/// The text with what looks like a secret masked: marked tokens, what follows `Bearer`, passwords and tokens in
/// addresses.
pub fn redact(text: &str) -> Cow<'_, str> {
    let looks = looks(text);
    if looks.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(covered(text, looks)) }
}

/// The same with these secrets masked too, as they are and as JSON writes them.
pub(crate) fn redact_with<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    // What only looks like a secret goes first: of an argument or an address it leaves the name to be read.
    mask_all(&redact(text), secrets)
}

/// The text with these secrets masked and nothing else, as they are and as JSON writes them.
pub(crate) fn mask_all<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> String {
    covered(text, places(text, secrets))
}

/// Where these secrets stand in a text.
fn places<'a>(text: &str, secrets: impl IntoIterator<Item = &'a str>) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
        let escaped = Zeroizing::new(serde_json::Value::from(secret).to_string());
        for form in [secret, escaped.trim_matches('"')].into_iter().filter(|form| !form.is_empty()) {
            places.extend(text.match_indices(form).map(|(at, found)| at..at + found.len()));
        }
    }
    places
}

/// The text with a mask over each of these places, and over those together that overlap: where a secret begins with
/// another one or has it within, nothing of it is left.
fn covered(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_by_key(|place| (place.start, Reverse(place.end)));
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for place in places {
        if place.start >= done {
            out.push_str(&text[done..place.start]);
            out.push_str(MASK);
        }
        done = done.max(place.end);
    }
    out + &text[done..]
}

/// Where something stands that looks like a secret.
fn looks(text: &str) -> Vec<Range<usize>> {
    let (mut looks, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let rest = &text[at..];
        let begins = at == 0 || !is_word(text[..at].chars().next_back().unwrap_or(' '));
        if let Some((keep, cut)) = begins.then(|| secret_at(rest)).flatten() {
            looks.push(at + keep..at + keep + cut);
            at += keep + cut;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    looks
}

/// Whether a text is a token by its beginning.
pub(crate) fn looks_like_token(text: &str) -> bool {
    let text = text.trim().rsplit(' ').next().unwrap_or(text);
    PREFIXES.iter().any(|(prefix, least)| {
        text.strip_prefix(prefix).is_some_and(|rest| rest.len() >= *least && rest.chars().all(is_token_char))
    })
}

/// Whether a variable's, flag's or parameter's name says that it holds a secret.
pub(crate) fn is_token_name(name: &str) -> bool {
    // The folder that a shell is in; in other letters, or with more before it, it is a password.
    if name == "PWD" {
        return false;
    }
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    let parts: Vec<_> = name.split(['_', '-', '.']).collect();
    let last = parts.last().copied().unwrap_or_default();
    ["token", "secret", "password", "passwd", "apikey", "pat"].iter().any(|word| parts.contains(word))
        || ["key", "pass", "pwd", "auth", "credential", "credentials"].contains(&last)
        || ["token", "apikey", "password", "secret"].iter().any(|word| name.ends_with(word))
}

/// Whether a parameter of an address holds a secret: by its name, or as keys of hosted functions and signed links do.
pub(super) fn is_token_parameter(name: &str, value: &str) -> bool {
    is_token_name(name)
        || value.len() >= 16 && ["code", "sig", "signature"].contains(&name.to_ascii_lowercase().as_str())
}

/// How many bytes to keep and then to cut, where a secret begins here.
fn secret_at(rest: &str) -> Option<(usize, usize)> {
    for (prefix, least) in PREFIXES {
        if let Some(tail) = rest.strip_prefix(prefix) {
            let length = token_length(tail);
            if length >= *least {
                return Some((0, prefix.len() + length));
            }
        }
    }
    for scheme in ["Bearer ", "bearer ", "Basic ", "DPoP ", "Sentry-Bearer "] {
        if let Some(tail) = rest.strip_prefix(scheme) {
            let length = token_length(tail);
            if length >= 8 {
                return Some((scheme.len(), length));
            }
        }
    }
    if let Some(tail) = after_scheme(rest) {
        let host = &tail[..tail.find(['/', '?', '#', ' ', '"', '\'']).unwrap_or(tail.len())];
        let user = host.rfind('@')?;
        return Some((rest.len() - tail.len(), user));
    }
    let name = &rest[..rest.find(|c: char| !is_word(c) && c != '-')?];
    let tail = rest[name.len()..].strip_prefix('=')?;
    let length = token_length(tail);
    (length >= 8 && is_token_parameter(name, &tail[..length])).then_some((name.len() + 1, length))
}

/// What stands behind `https://`, `postgres://` and the like.
fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, tail) = text.split_at(text.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))?);
    let tail = tail.strip_prefix("://")?;
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(tail)
}

fn token_length(text: &str) -> usize {
    text.find(|c| !is_token_char(c)).unwrap_or(text.len())
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.~+/=".contains(c)
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A writer that redacts whole lines before they go on.
#[derive(Debug)]
pub struct RedactingWriter<W: Write> {
    inner: W,
    line: Vec<u8>,
}

impl<W: Write> RedactingWriter<W> {
    /// Redacts what goes to `inner`.
    pub fn new(inner: W) -> Self {
        Self { inner, line: Vec::new() }
    }

    fn pass(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.inner.write_all(redact(&String::from_utf8_lossy(&line)).as_bytes())
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' {
                self.pass()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass()?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for RedactingWriter<W> {
    fn drop(&mut self) {
        // Nowhere to report to.
        let _ = self.flush();
    }
}
