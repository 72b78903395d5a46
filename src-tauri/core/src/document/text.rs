//! Looks at text that both dialects share.

/// The byte order mark that some Windows editors put first.
pub(super) const BOM: &str = "\u{feff}";

/// The newline that a text uses: CRLF where its first line ends so.
pub(super) fn newline(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if at > 0 && text.as_bytes()[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

/// Line and column of a byte, from 1; the column in characters.
pub(super) fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..offset.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
    (line, column)
}

/// The white space that the line of a byte begins with.
pub(super) fn indent_at(text: &str, offset: usize) -> &str {
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = &text[start..];
    let end = line.find(|c| c != ' ' && c != '\t').unwrap_or(line.len());
    &line[..end]
}

/// One step of indentation as the text uses it: a tab, or the first indented line's spaces; two spaces otherwise.
pub(super) fn indent_unit(text: &str) -> &str {
    let first = text.lines().find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    match first.map(|line| &line[..line.len() - line.trim_start().len()]) {
        Some(indent) if indent.starts_with('\t') => "\t",
        Some(indent) if indent.len() <= 8 && indent.bytes().all(|byte| byte == b' ') => indent,
        _ => "  ",
    }
}
