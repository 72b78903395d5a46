//! Tokens of JSON text with their ranges, by the letter of RFC 8259; comments where the dialect has them.
//!
//! Nothing is copied and nothing is kept, so that a file of tens of megabytes costs one pass and no memory. The rules are
//! those of `JSON.parse`: no control characters in strings, only the eight short escapes and `\u`, a half surrogate pair is
//! fine, four kinds of white space.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr2, memmem};

/// White space between tokens. Other white space, as Unicode has it, is text: in comments it stays.
pub(super) const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    OpenObject,
    CloseObject,
    OpenArray,
    CloseArray,
    Comma,
    Colon,
    String,
    Number,
    True,
    False,
    Null,
}

impl Kind {
    /// What a person would call a value that begins with this token.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::OpenObject => "an object",
            Self::OpenArray => "a list",
            Self::String => "a text",
            Self::Number => "a number",
            Self::True | Self::False => "true or false",
            Self::Null => "null",
            Self::CloseObject | Self::CloseArray | Self::Comma | Self::Colon => "nothing",
        }
    }

    pub(super) fn opens(self) -> bool {
        matches!(self, Self::OpenObject | Self::OpenArray)
    }

    pub(super) fn closes(self) -> bool {
        matches!(self, Self::CloseObject | Self::CloseArray)
    }

    pub(super) fn starts_value(self) -> bool {
        !self.closes() && !matches!(self, Self::Comma | Self::Colon)
    }
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Text that is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) offset: usize,
    pub(super) message: &'static str,
}

impl Fault {
    pub(super) fn new(offset: usize, message: &'static str) -> Self {
        Self { offset, message }
    }
}

/// Walks over text from token to token.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    comments: bool,
}

impl<'a> Scanner<'a> {
    /// Starts at a byte of the text, which must lie between two tokens.
    pub(super) fn new(text: &'a str, at: usize, comments: bool) -> Self {
        Self { bytes: text.as_bytes(), at, comments }
    }

    /// The next token, none at the end.
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Token>, Fault> {
        self.skip_trivia()?;
        let start = self.at;
        let Some(byte) = self.peek(0) else { return Ok(None) };
        let kind = match byte {
            b'{' => self.single(Kind::OpenObject),
            b'}' => self.single(Kind::CloseObject),
            b'[' => self.single(Kind::OpenArray),
            b']' => self.single(Kind::CloseArray),
            b',' => self.single(Kind::Comma),
            b':' => self.single(Kind::Colon),
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.word("true", Kind::True)?,
            b'f' => self.word("false", Kind::False)?,
            b'n' => self.word("null", Kind::Null)?,
            b'\'' => return Err(Fault::new(start, "texts need double quotes")),
            _ => return Err(Fault::new(start, "unexpected character")),
        };
        Ok(Some(Token { kind, start, end: self.at }))
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn single(&mut self, kind: Kind) -> Kind {
        self.at += 1;
        kind
    }

    #[inline]
    fn skip_trivia(&mut self) -> Result<(), Fault> {
        loop {
            // Indentation is a good part of a large file.
            while self.bytes[self.at..].starts_with(b"        ") {
                self.at += 8;
            }
            let rest = &self.bytes[self.at..];
            let blank = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            self.at += blank.unwrap_or(rest.len());
            if self.peek(0) != Some(b'/') {
                return Ok(());
            }
            self.comment()?;
        }
    }

    fn comment(&mut self) -> Result<(), Fault> {
        let start = self.at;
        match (self.comments, self.peek(1)) {
            (false, Some(b'/' | b'*')) => Err(Fault::new(start, "this app takes no comments")),
            (true, Some(b'/')) => {
                let rest = &self.bytes[start..];
                self.at += memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                Ok(())
            }
            (true, Some(b'*')) => {
                let rest = &self.bytes[start + 2..];
                let end = memmem::find(rest, b"*/");
                self.at += 4 + end.ok_or(Fault::new(start, "this comment does not end"))?;
                Ok(())
            }
            _ => Err(Fault::new(start, "unexpected character")),
        }
    }

    #[inline]
    fn string(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let plain = &rest[..memchr2(b'"', b'\\', rest).unwrap_or(rest.len())];
            // Looks at all bytes, whatever it finds: so the compiler takes many at a time.
            if plain.iter().fold(0, |found, byte| found | u8::from(*byte < 0x20)) != 0 {
                return Err(self.control_character(start, plain));
            }
            self.at += plain.len();
            match self.peek(0) {
                Some(b'"') => return Ok(self.single(Kind::String)),
                Some(b'\\') => self.escape()?,
                _ => return Err(Fault::new(start, "this text has no closing quote")),
            }
        }
    }

    #[cold]
    /// What is wrong with a text that has a control character. A line end says that a quote was forgotten.
    fn control_character(&self, start: usize, plain: &[u8]) -> Fault {
        match plain.iter().position(|byte| *byte < 0x20) {
            Some(at) if !matches!(plain[at], b'\n' | b'\r') => Fault::new(self.at + at, "control character in a text"),
            _ => Fault::new(start, "this text has no closing quote"),
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        let length = match self.peek(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if (2..6).all(|digit| self.peek(digit).is_some_and(|byte| byte.is_ascii_hexdigit())) => 6,
            Some(b'u') => return Err(Fault::new(self.at, "\\u needs four hexadecimal digits")),
            _ => return Err(Fault::new(self.at, "unknown escape in a text")),
        };
        self.at += length;
        Ok(())
    }

    fn number(&mut self) -> Result<Kind, Fault> {
        if self.peek(0) == Some(b'-') {
            self.at += 1;
        }
        match self.peek(0) {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(0), Some(b'e' | b'E')) {
            self.at += if matches!(self.peek(1), Some(b'+' | b'-')) { 2 } else { 1 };
            self.digits()?;
        }
        Ok(Kind::Number)
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let rest = &self.bytes[self.at..];
        match rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len()) {
            0 => Err(Fault::new(self.at, "a digit is missing")),
            count => {
                self.at += count;
                Ok(())
            }
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<Kind, Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Fault::new(self.at, "unexpected character"));
        }
        self.at += word.len();
        Ok(kind)
    }
}

/// What a string token means. A half surrogate pair, which Rust text cannot hold, becomes U+FFFD.
pub(super) fn decode(token: &str) -> Cow<'_, str> {
    let inner = &token[1..token.len() - 1];
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(backslash) = rest.find('\\') {
        out.push_str(&rest[..backslash]);
        rest = decode_escape(&rest[backslash + 1..], &mut out);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Decodes one escape behind its backslash and gives what follows it.
fn decode_escape<'a>(text: &'a str, out: &mut String) -> &'a str {
    let letter = text.as_bytes()[0];
    if letter == b'u' {
        return decode_unicode(&text[1..], out);
    }
    out.push(match letter {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        other => char::from(other),
    });
    &text[1..]
}

fn decode_unicode<'a>(text: &'a str, out: &mut String) -> &'a str {
    let unit = |text: &str| text.get(..4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let first = unit(text).unwrap_or_default();
    let second = text[4..].strip_prefix("\\u").and_then(unit);
    if let Some(second) = second
        && let Some(Ok(pair)) = char::decode_utf16([first, second]).next()
        && pair.len_utf16() == 2
    {
        out.push(pair);
        return &text[10..];
    }
    out.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
    &text[4..]
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_decode() {
        assert_eq!(decode(r#""\u006dcp\n\/\ud83d\ude00\ud83d\u0041\udc00""#), "mcp\n/😀\u{fffd}A\u{fffd}");
    }
}
