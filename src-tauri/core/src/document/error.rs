//! What can be wrong with a file or an edit. No message quotes a value from the file: it may be a token.

use crate::error::Code;

/// Why a file cannot be read or edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The text breaks the rules of its format, as the app itself would say.
    #[error("There is a mistake at line {line}, column {column}: {message}.")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// Something else stands where an object or table is needed, or a value cannot be expressed in the format.
    #[error("At {} there is {found}, where {expected} belongs.", place(path))]
    Shape {
        /// The keys that lead there; empty for the whole document.
        path: Vec<String>,
        /// What is needed.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A key on the way to the edit, or the edited one, stands twice in its object.
    #[error("{} stands twice (line {line}).", place(path))]
    DuplicateKey {
        /// The keys that lead there.
        path: Vec<String>,
        /// The line of the second one, from 1.
        line: usize,
    },
    /// The bytes are not UTF-8.
    #[error("The text is not UTF-8 (byte {offset}).")]
    Encoding {
        /// Offset of the first byte that is not.
        offset: usize,
    },
    /// More objects and arrays inside each other than any app would write.
    #[error("There are more than {limit} levels of nesting (line {line}).")]
    TooDeep {
        /// The line where it gets too deep, from 1.
        line: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// The edit, tried on a copy, did not do exactly what was asked. The file is better left alone.
    #[error("The file is written in a way in which {} cannot be changed safely.", place(path))]
    Unsafe {
        /// The keys that lead to what was to be changed.
        path: Vec<String>,
    },
}

impl DocumentError {
    /// The code that the front door gives it.
    pub fn code(&self) -> Code {
        match self {
            Self::Syntax { .. } | Self::TooDeep { .. } => Code::FileSyntax,
            Self::Shape { .. } | Self::Unsafe { .. } => Code::FileShape,
            Self::DuplicateKey { .. } => Code::FileDuplicateKey,
            Self::Encoding { .. } => Code::FileEncoding,
        }
    }

    /// A syntax error at a byte of the text.
    pub(super) fn syntax(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = &text[..floor(text, offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::Syntax {
            line: line_of(text, offset),
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }

    /// A wrong kind of thing at a path.
    pub(super) fn shape(path: &[&str], expected: &'static str, found: &'static str) -> Self {
        Self::Shape { path: owned(path), expected, found }
    }

    /// A key that stands twice.
    pub(super) fn duplicate(text: &str, offset: usize, path: &[&str]) -> Self {
        Self::DuplicateKey { path: owned(path), line: line_of(text, offset) }
    }
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text[..floor(text, offset)].bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// A path as owned strings.
pub(super) fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|key| (*key).to_owned()).collect()
}

fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// How a path reads in a sentence.
fn place(path: &[String]) -> String {
    if path.is_empty() { "the top".to_owned() } else { format!("\"{}\"", path.join(" > ")) }
}
