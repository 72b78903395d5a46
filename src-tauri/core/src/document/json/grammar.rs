//! Which sequences of tokens are a document of the dialect, and what the file's own style is.
//!
//! The check keeps one bit of state per level, on the heap: no depth of nesting can exhaust the stack.

use super::super::JsonDialect;
use super::super::error::{DocumentError, line_of};
use super::read::{Member, Object};
use super::scan::{BLANK, Fault, Kind, Scanner, Token};

/// Objects and arrays inside each other that are taken at most.
pub(super) const DEPTH_LIMIT: usize = 512;

/// Members of the root that are remembered at most. Nearly all of a large file lies below a few of them, and finding the
/// next one again means passing over all that lies below.
const MEMBER_LIMIT: usize = 1024;

/// What one pass over a document finds.
#[derive(Debug, Clone, Default)]
pub(super) struct Survey {
    /// The root value's first token; none in a document of white space and comments.
    pub(super) root: Option<Token>,
    /// The root's members, if it is an object and they are not too many.
    pub(super) members: Option<Object>,
    /// Lists whose first item stands on the same line as the bracket.
    pub(super) inline_lists: usize,
    /// Lists whose first item stands on a line of its own.
    pub(super) expanded_lists: usize,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    FirstItem,
    ItemAfterComma,
    FirstKey,
    KeyAfterComma,
    Colon,
    CommaOrClose,
    End,
}

impl Expect {
    fn message(self, trailing_commas: bool) -> &'static str {
        match self {
            Self::Value | Self::FirstItem => "a value is missing",
            Self::ItemAfterComma if trailing_commas => "a value is missing",
            Self::KeyAfterComma if trailing_commas => "a key in double quotes is missing",
            Self::ItemAfterComma | Self::KeyAfterComma => "nothing follows the last comma",
            Self::FirstKey => "a key in double quotes is missing",
            Self::Colon => "a colon is missing after the key",
            Self::CommaOrClose => "a comma or a closing bracket is missing",
            Self::End => "there is more text after the end",
        }
    }
}

/// Checks a whole text.
pub(super) fn survey(text: &str, dialect: JsonDialect) -> Result<Survey, DocumentError> {
    let mut grammar =
        Grammar { text, dialect, open: Vec::new(), expect: Expect::Value, before: 0, survey: Survey::default() };
    let mut scanner = Scanner::new(text, 0, dialect.comments);
    let syntax = |fault: Fault| DocumentError::syntax(text, fault.offset, fault.message);
    while let Some(token) = scanner.next().map_err(syntax)? {
        grammar.take(token)?;
    }
    grammar.finish()
}

struct Grammar<'a> {
    text: &'a str,
    dialect: JsonDialect,
    /// The brackets that are open, outermost first.
    open: Vec<Kind>,
    expect: Expect,
    /// Where the token before ends.
    before: usize,
    survey: Survey,
}

impl Grammar<'_> {
    #[inline]
    fn take(&mut self, token: Token) -> Result<(), DocumentError> {
        self.survey.root.get_or_insert(token);
        let (depth, was) = (self.open.len(), self.expect);
        self.expect = match (self.expect, token.kind) {
            (Expect::FirstItem, Kind::CloseArray) | (Expect::FirstKey, Kind::CloseObject) => self.close(),
            (Expect::ItemAfterComma, Kind::CloseArray) | (Expect::KeyAfterComma, Kind::CloseObject)
                if self.dialect.trailing_commas =>
            {
                self.close()
            }
            (Expect::FirstKey | Expect::KeyAfterComma, Kind::String) => Expect::Colon,
            (Expect::Colon, Kind::Colon) => Expect::Value,
            (Expect::CommaOrClose, kind) => self.after_value(kind).ok_or_else(|| self.refuse(token))?,
            (Expect::Value | Expect::FirstItem | Expect::ItemAfterComma, kind) if kind.starts_value() => {
                self.value(token)?
            }
            _ => return Err(self.refuse(token)),
        };
        if depth <= 1 || self.open.len() == 1 {
            self.note(token, depth, was);
        }
        self.before = token.end;
        Ok(())
    }

    /// Remembers what belongs to the root itself. `depth` and `was` are from before the token.
    fn note(&mut self, token: Token, depth: usize, was: Expect) {
        if (depth, self.open.len()) == (0, 1) && token.kind == Kind::OpenObject {
            self.survey.members = Some(Object { open: token.start, close: token.start, members: Vec::new() });
            return;
        }
        let Some(object) = &mut self.survey.members else { return };
        let full = object.members.len() == MEMBER_LIMIT;
        match (depth, self.open.len(), was, object.members.last_mut()) {
            (1, 0, ..) => object.close = token.start,
            (1, 1, Expect::FirstKey | Expect::KeyAfterComma, _) if full => self.survey.members = None,
            (1, 1, Expect::FirstKey | Expect::KeyAfterComma, _) => object.members.push(Member::new(token)),
            (1, _, Expect::Value, Some(last)) => (last.value, last.kind) = (token.range(), token.kind),
            (2, 1, _, Some(last)) => last.value.end = token.end,
            (1, 1, Expect::CommaOrClose, Some(last)) => last.comma = Some(token.start),
            _ => {}
        }
    }

    fn refuse(&self, token: Token) -> DocumentError {
        DocumentError::syntax(self.text, token.start, self.expect.message(self.dialect.trailing_commas))
    }

    fn value(&mut self, token: Token) -> Result<Expect, DocumentError> {
        if self.expect == Expect::FirstItem {
            let expanded = self.text[self.before..token.start].contains(['\n', '\r']);
            self.survey.expanded_lists += usize::from(expanded);
            self.survey.inline_lists += usize::from(!expanded);
        }
        if !token.kind.opens() {
            return Ok(self.after_any_value());
        }
        if self.open.len() == DEPTH_LIMIT {
            return Err(DocumentError::TooDeep { line: line_of(self.text, token.start), limit: DEPTH_LIMIT });
        }
        self.open.push(token.kind);
        Ok(if token.kind == Kind::OpenObject { Expect::FirstKey } else { Expect::FirstItem })
    }

    fn after_value(&mut self, kind: Kind) -> Option<Expect> {
        match (self.open.last()?, kind) {
            (Kind::OpenObject, Kind::Comma) => Some(Expect::KeyAfterComma),
            (_, Kind::Comma) => Some(Expect::ItemAfterComma),
            (Kind::OpenObject, Kind::CloseObject) | (Kind::OpenArray, Kind::CloseArray) => Some(self.close()),
            _ => None,
        }
    }

    fn close(&mut self) -> Expect {
        self.open.pop();
        self.after_any_value()
    }

    fn after_any_value(&self) -> Expect {
        if self.open.is_empty() { Expect::End } else { Expect::CommaOrClose }
    }

    fn finish(self) -> Result<Survey, DocumentError> {
        let nothing_yet = self.survey.root.is_none();
        if self.expect == Expect::End || nothing_yet {
            return Ok(self.survey);
        }
        Err(DocumentError::syntax(self.text, self.text.trim_end_matches(BLANK).len(), "the file ends too early"))
    }
}
