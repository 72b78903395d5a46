//! Keeps secrets out of texts: the last line of defence after the types.

use std::borrow::Cow;
use std::io::{self, Write};

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
    let mut out = String::new();
    let mut done = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let begins = at == 0 || !is_word(text[..at].chars().next_back().unwrap_or(' '));
        if let Some((keep, cut)) = begins.then(|| secret_at(rest)).flatten() {
            out.push_str(&text[done..at + keep]);
            out.push_str(MASK);
            at += keep + cut;
            done = at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
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
