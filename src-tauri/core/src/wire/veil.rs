//! Keeps endpoints' own tokens out of what others say.
//!
//! A service may repeat a token in any of its answers: whole or in part, as it is or encoded. Whatever a service says is
//! therefore shown only through [`shown`], and whatever is told of it passes [`veil`] at the end. Both hide every part of
//! the endpoints' own tokens that is too long for chance, and then what looks like anybody's token.

use std::collections::HashSet;
use std::ops::Range;

use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use super::Endpoint;
use super::base64::base64;
use crate::secret::{Secret, redact};

const MASK: &str = "•••";
/// So many characters of a token in a row are no chance; a shorter token is looked for as a whole.
const RUN: usize = 16;
/// A token shorter than this is hidden only where it stands by itself: its letters are in ordinary words.
const SHORT: usize = 8;

/// The text without the endpoints' tokens, and without what looks like one.
pub fn veil(text: &str, endpoints: &[Endpoint]) -> String {
    redact(&hidden(text, endpoints, &[])).into_owned()
}

/// A service's words as plain text: bounded, on one line, without control and direction marks, without tokens.
pub fn shown(text: &str, endpoints: &[Endpoint]) -> String {
    shown_without(text, endpoints, &[])
}

/// The same, without these secrets either, which no header has to carry.
pub(crate) fn shown_without(text: &str, endpoints: &[Endpoint], secrets: &[Secret]) -> String {
    const MOST: usize = 300;
    const READ: usize = 16 * 1024;
    // No part of a token that is too short to be told is written longer than this.
    const LONGEST_PART: usize = (RUN - 1) * 2 * "&#x41;".len();
    let head = text.chars().take(READ).filter(|c| !is_invisible(*c));
    let plain: String = head.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let hidden = hidden(&line, endpoints, secrets);
    // Where the text was cut, a token may have been.
    let cut = if text.chars().nth(READ).is_some() { LONGEST_PART } else { 0 };
    let kept = hidden.chars().count().saturating_sub(cut);
    let hidden: String = hidden.chars().take(kept.min(4 * MOST)).collect();
    redact(&hidden).chars().take(MOST).collect()
}

/// What nobody sees, or what turns the direction of what stands beside it.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

fn hidden(text: &str, endpoints: &[Endpoint], secrets: &[Secret]) -> String {
    let own = endpoints.iter().flat_map(Endpoint::secrets).flat_map(|secret| forms(&secret));
    let forms: Vec<_> = own.chain(secrets.iter().flat_map(|secret| forms(secret.expose()))).collect();
    // All of them are looked for in the same text: one may begin with another.
    let mut covered = vec![false; text.len()];
    let mut reading = Reading::of(text);
    // As it stands, and twice decoded: a program may put what it was given into an address, and that into a page.
    for round in 0..3 {
        if round > 0 {
            reading = reading.decoded();
        }
        for form in &forms {
            reading.cover(form, &mut covered);
        }
    }
    masked(text, &covered)
}

/// The ways in which a token is written, in small letters.
fn forms(secret: &str) -> Vec<Zeroizing<Vec<u8>>> {
    // A form writes a space as a plus, which nothing decoded says.
    let in_form = byte_serialize(secret.as_bytes()).collect::<String>();
    let mut forms = vec![secret.to_ascii_lowercase(), in_form.to_ascii_lowercase()];
    forms.dedup();
    if secret.len() >= SHORT {
        forms.push(secret.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")));
        for before in 0..3 {
            let core = base64_core(secret, before);
            forms.push(core.replace('+', "-").replace('/', "_"));
            forms.push(core);
        }
    }
    forms.into_iter().filter(|form| !form.is_empty()).map(|form| Zeroizing::new(form.into_bytes())).collect()
}

/// The part of a Base64 text that a token decides where `before` bytes of something else (modulo 3) stand before it.
fn base64_core(secret: &str, before: usize) -> String {
    let bytes = Zeroizing::new([&[0; 2][..before], secret.as_bytes()].concat());
    let text = base64(&bytes).to_ascii_lowercase();
    // At the very beginning it may be all that is encoded, and then it decides the last digit as well.
    let end = if before == 0 { text.trim_end_matches('=').len() } else { bytes.len() * 8 / 6 };
    text[(before * 8).div_ceil(6)..end].to_owned()
}

/// A text's bytes in small letters, each with the place where it stands.
struct Reading {
    bytes: Zeroizing<Vec<u8>>,
    places: Vec<Range<usize>>,
}

impl Reading {
    fn of(text: &str) -> Self {
        let places = (0..text.len()).map(|at| at..at + 1).collect();
        Self { bytes: Zeroizing::new(text.to_ascii_lowercase().into_bytes()), places }
    }

    /// The same with what is written in the manner of addresses, pages or JSON read as what it stands for.
    fn decoded(&self) -> Self {
        let mut decoded = Self { bytes: Zeroizing::default(), places: Vec::new() };
        let mut at = 0;
        while at < self.bytes.len() {
            let (byte, length) = escape(&self.bytes[at..]).unwrap_or((self.bytes[at], 1));
            decoded.bytes.push(byte.to_ascii_lowercase());
            decoded.places.push(self.places[at].start..self.places[at + length - 1].end);
            at += length;
        }
        decoded
    }

    /// Marks where a form, or a long part of it, stands.
    fn cover(&self, form: &[u8], covered: &mut [bool]) {
        let run = form.len().min(RUN);
        let parts: HashSet<&[u8]> = form.windows(run).collect();
        for (at, window) in self.bytes.windows(run).enumerate() {
            if parts.contains(window) && (form.len() >= SHORT || self.alone(at, run)) {
                self.places[at..at + run].iter().for_each(|place| covered[place.clone()].fill(true));
            }
        }
    }

    fn alone(&self, at: usize, length: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.bytes.get(before));
        [before, self.bytes.get(at + length)].into_iter().flatten().all(|byte| !byte.is_ascii_alphanumeric())
    }
}

/// What an escape stands for, and how long it is.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        // One of the bytes of a character beyond ASCII, too.
        [b'%', digits @ ..] => Some((byte(digits.get(..2)?, 16)?, 3)),
        [b'\\', b'u', digits @ ..] => Some((number(digits.get(..4)?, 16)?, 6)),
        [b'\\', escaped @ (b'"' | b'\\' | b'/'), ..] => Some((*escaped, 2)),
        [b'&', name @ ..] => {
            let length = name.iter().take(10).position(|byte| *byte == b';')?;
            Some((entity(&name[..length])?, length + 2))
        }
        _ => None,
    }
}

fn entity(name: &[u8]) -> Option<u8> {
    match name {
        b"amp" => Some(b'&'),
        b"lt" => Some(b'<'),
        b"gt" => Some(b'>'),
        b"quot" => Some(b'"'),
        b"apos" => Some(b'\''),
        [b'#', b'x', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => None,
    }
}

/// A character of a token by its number; tokens have none beyond ASCII.
fn number(digits: &[u8], radix: u32) -> Option<u8> {
    byte(digits, radix).filter(u8::is_ascii)
}

fn byte(digits: &[u8], radix: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.starts_with('+') { None } else { u8::from_str_radix(digits, radix).ok() }
}

fn masked(text: &str, covered: &[bool]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut hidden = false;
    for (at, c) in text.char_indices() {
        if !covered[at] {
            out.push(c);
        } else if !hidden {
            out.push_str(MASK);
        }
        hidden = covered[at];
    }
    out
}
