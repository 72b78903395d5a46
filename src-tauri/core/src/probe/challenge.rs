//! The parameters of a `WWW-Authenticate` challenge (RFC 9110, 11.6.1): names in any letters, blanks around `=`, values
//! quoted or not. Of several challenges the first that has a parameter tells it.

/// A parameter's value.
pub(super) fn parameter(challenges: &str, name: &str) -> Option<String> {
    let mut rest = challenges;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.find(ends_word).unwrap_or(rest.len()));
        let Some(behind) = after.trim_start().strip_prefix('=').filter(|_| !word.is_empty()) else {
            // A scheme, or what stands between.
            rest = if word.is_empty() { value(rest).1 } else { after };
            continue;
        };
        let (value, after) = value(behind.trim_start());
        if word.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
    None
}

fn ends_word(sign: char) -> bool {
    sign.is_whitespace() || matches!(sign, ',' | '=' | '"')
}

/// The value that a text begins with, and what follows it; at least one sign is taken.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|sign: char| sign.is_whitespace() || sign == ',').unwrap_or(text.len());
        let first = text.chars().next().map_or(0, char::len_utf8);
        return (text[..end].to_owned(), &text[end.max(first)..]);
    };
    let (mut value, mut signs) = (String::new(), quoted.char_indices());
    while let Some((at, sign)) = signs.next() {
        match sign {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(signs.next().map(|(_, sign)| sign)),
            _ => value.push(sign),
        }
    }
    // It does not end.
    (value, "")
}
