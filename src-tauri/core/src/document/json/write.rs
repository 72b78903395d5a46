//! Writing values the way the rest of the file is written.

use serde_json::Value;

use super::grammar::Survey;
use super::scan::{BLANK, Kind, Scanner};

/// What new text has to look like to fit in.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// The file's line end.
    pub(super) newline: &'static str,
    /// One step of indentation.
    pub(super) unit: String,
    /// What stands between a key and its value.
    pub(super) colon: String,
    /// Whether the whole document stands on one line.
    pub(super) compact: bool,
    /// Whether lists have a line for each item.
    expand_lists: bool,
}

impl Style {
    /// Looks at the document's first member, first line end and lists.
    pub(super) fn of(text: &str, survey: &Survey) -> Self {
        let mut style = Self {
            newline: newline(text),
            unit: "  ".to_owned(),
            colon: ": ".to_owned(),
            compact: false,
            expand_lists: survey.expanded_lists > survey.inline_lists,
        };
        if let Some(root) = survey.root {
            style.look_at_first_member(text, root.end);
        }
        style
    }

    fn look_at_first_member(&mut self, text: &str, inside: usize) {
        let mut scanner = Scanner::new(text, inside, true);
        let mut next = || scanner.next().ok().flatten();
        let Some(key) = next().filter(|token| token.kind == Kind::String) else { return };
        let value = next().and_then(|_| next()).map_or(key.end, |token| token.start);
        let between = &text[key.end..value];
        if between.trim_matches([' ', '\t']) == ":" {
            between.clone_into(&mut self.colon);
        }
        if let Some(own) = own_line_indent(text, inside, key.start)
            && !own.is_empty()
        {
            own.clone_into(&mut self.unit);
        }
        self.compact = !text[inside..].trim_end_matches(BLANK).contains(['\n', '\r']);
    }

    /// Whether a comma is followed by a space where things stand on one line.
    pub(super) fn spaced(&self) -> bool {
        self.colon.ends_with([' ', '\t'])
    }
}

/// The first line end in the text, `\n` where there is none.
fn newline(text: &str) -> &'static str {
    match text.find(['\r', '\n']) {
        Some(at) if text[at..].starts_with("\r\n") => "\r\n",
        Some(at) if text[at..].starts_with('\r') => "\r",
        _ => "\n",
    }
}

/// The white space before `at`, where nothing else stands before it on its line and the line begins after `from`.
pub(super) fn own_line_indent(text: &str, from: usize, at: usize) -> Option<&str> {
    let start = from + text[from..at].rfind(['\n', '\r'])? + 1;
    let indent = &text[start..at];
    indent.trim_matches([' ', '\t']).is_empty().then_some(indent)
}

/// The white space that the line of `at` begins with.
pub(super) fn line_indent(text: &str, at: usize) -> &str {
    let start = line_start(text, at);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Where the line of `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind(['\n', '\r']).map_or(0, |newline| newline + 1)
}

/// Whether a value may take several lines.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layout<'a> {
    /// Each member on a line of its own; the value begins on a line with this indentation.
    Lines(&'a str),
    /// All on one line, with or without a space inside the braces.
    Line { padded: bool },
}

/// What is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content<'a> {
    /// A value.
    Value(&'a Value),
    /// Source text, as it is.
    Raw(&'a str),
    /// Objects inside each other, by these keys, and the content in the innermost.
    Within(&'a [&'a str], &'a Content<'a>),
}

impl Content<'_> {
    /// Whether it is an object.
    pub(super) fn is_object(self) -> bool {
        match self {
            Self::Value(value) => value.is_object(),
            Self::Raw(raw) => raw.starts_with('{'),
            Self::Within(keys, inner) => !keys.is_empty() || inner.is_object(),
        }
    }
}

/// Writes `"key": content`.
pub(super) fn member(key: &str, content: Content, layout: Layout, style: &Style) -> String {
    format!("{}{}{}", quoted(key), style.colon, write(content, layout, style))
}

/// Writes content.
pub(super) fn write(content: Content, layout: Layout, style: &Style) -> String {
    match content {
        Content::Raw(raw) => raw.to_owned(),
        Content::Within([], inner) => write(*inner, layout, style),
        Content::Within([key, rest @ ..], inner) => object(&[(key, Content::Within(rest, inner))], layout, style),
        Content::Value(Value::Object(map)) => {
            let members: Vec<_> = map.iter().map(|(key, value)| (key.as_str(), Content::Value(value))).collect();
            object(&members, layout, style)
        }
        Content::Value(Value::Array(items)) => list(items, layout, style),
        Content::Value(Value::String(text)) => quoted(text),
        Content::Value(scalar) => scalar.to_string(),
    }
}

fn object(members: &[(&str, Content)], layout: Layout, style: &Style) -> String {
    let pad = if matches!(layout, Layout::Line { padded: true }) { " " } else { "" };
    let parts =
        |layout: Layout| members.iter().map(|(key, content)| member(key, *content, layout, style)).collect::<Vec<_>>();
    match layout {
        _ if members.is_empty() => "{}".to_owned(),
        Layout::Lines(indent) => expanded(["{", "}"], &parts(Layout::Lines(&deeper(indent, style))), indent, style),
        Layout::Line { .. } => format!("{{{pad}{}{pad}}}", parts(layout).join(comma(style))),
    }
}

fn list(items: &[Value], layout: Layout, style: &Style) -> String {
    let parts =
        |layout: Layout| items.iter().map(|item| write(Content::Value(item), layout, style)).collect::<Vec<_>>();
    match layout {
        Layout::Lines(indent) if style.expand_lists && !items.is_empty() => {
            expanded(["[", "]"], &parts(Layout::Lines(&deeper(indent, style))), indent, style)
        }
        _ => format!("[{}]", parts(Layout::Line { padded: false }).join(comma(style))),
    }
}

fn expanded(brackets: [&str; 2], parts: &[String], indent: &str, style: &Style) -> String {
    let inner = format!("{}{}", style.newline, deeper(indent, style));
    let [open, close] = brackets;
    format!("{open}{inner}{}{}{indent}{close}", parts.join(&format!(",{inner}")), style.newline)
}

fn deeper(indent: &str, style: &Style) -> String {
    format!("{indent}{}", style.unit)
}

fn comma(style: &Style) -> &'static str {
    if style.spaced() { ", " } else { "," }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
