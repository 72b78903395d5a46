//! A command as somebody may see it before it is started: every word of it, and of secrets only that they are there.
//!
//! Consent is for what was seen, so nothing but a secret itself is masked: never a whole argument because a secret stands
//! somewhere in it, and no character that would hide another.

use super::{Plan, Start};
use crate::secret::{MASK, is_secret_header, is_token_name, mask_all, redact};

impl Plan {
    /// The words of a command. The name of a program that was found is shown as it is, whatever stands in it.
    pub fn shown_command(&self, start: &Start) -> Vec<String> {
        let name = if start.program.is_some() { visible(&start.command) } else { self.shown_after("", &start.command) };
        let before = std::iter::once("").chain(start.args.iter().map(String::as_str));
        let args = start.args.iter().zip(before).map(|(word, before)| self.shown_after(before, word));
        std::iter::once(name).chain(args).collect()
    }

    /// One text: an address, or a line for a shell.
    pub fn shown_text(&self, text: &str) -> String {
        self.shown_after("", text)
    }

    fn shown_after(&self, before: &str, word: &str) -> String {
        let is_one = !word.contains(char::is_whitespace);
        if before.starts_with('-') && !before.contains('=') && is_token_name(before) && is_one && !word.starts_with('-')
        {
            return MASK.to_owned();
        }
        if let Some((name, _)) =
            word.split_once('=').filter(|(name, _)| word.starts_with('-') && is_token_name(name) && is_one)
        {
            return format!("{name}={MASK}");
        }
        let known = mask_all(word, self.secrets.iter().map(|secret| secret.as_str()));
        let text = redact(&known).into_owned();
        visible(&header(before, &text))
    }
}

/// Of a header that is given as an argument, its name and scheme.
fn header(before: &str, text: &str) -> String {
    let Some((name, value)) = text.split_once(':').filter(|_| matches!(before, "--header" | "-H")) else {
        return text.to_owned();
    };
    let secret = value.rsplit(' ').next().unwrap_or_default();
    if secret.is_empty() || secret.contains(MASK) || secret.starts_with('$') || !is_secret_header(name.trim()) {
        return text.to_owned();
    }
    format!("{name}:{}{MASK}", &value[..value.len() - secret.len()])
}

/// Characters that cannot be seen, or that turn others around, as what they are.
fn visible(text: &str) -> String {
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}
