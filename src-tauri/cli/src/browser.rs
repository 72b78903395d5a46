//! Opening a page in the user's browser: the one in `$BROWSER`, else the system's.

use std::process::{Command, Stdio};

/// Opens a page; whether something took it.
pub(crate) fn open(page: &str) -> bool {
    let named = std::env::var("BROWSER").unwrap_or_default();
    let named = commands(&named, page);
    named.into_iter().chain([system(page)]).any(|words| start(&words))
}

/// The commands that `$BROWSER` lists, behind each other with `:` between; `%s` stands for the address and `%%` for `%`.
/// Without it, the address comes last.
fn commands(listed: &str, page: &str) -> Vec<Vec<String>> {
    let separator = if cfg!(windows) { ';' } else { ':' };
    let each = listed.split(separator).filter(|command| !command.trim().is_empty());
    each.map(|command| {
        // The address goes in after the words are told apart, so that nothing in it becomes a word of its own.
        let mut words: Vec<_> = command.split_whitespace().map(|word| filled_in(word, page)).collect();
        if !command.replace("%%", "").contains("%s") {
            words.push(page.to_owned());
        }
        words
    })
    .collect()
}

fn filled_in(word: &str, page: &str) -> String {
    let parts = word.split("%%").map(|part| part.replace("%s", page));
    parts.collect::<Vec<_>>().join("%")
}

/// The system's own way. No shell is in between.
fn system(page: &str) -> Vec<String> {
    let words: &[&str] = match () {
        () if cfg!(target_os = "macos") => &["open"],
        () if cfg!(windows) => &["rundll32.exe", "url.dll,FileProtocolHandler"],
        () => &["xdg-open"],
    };
    words.iter().copied().chain([page]).map(str::to_owned).collect()
}

fn start(words: &[String]) -> bool {
    let [program, arguments @ ..] = words else { return false };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It may go on as long as the browser does.
    command.spawn().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_in_the_variable_are_tried_in_their_order() {
        let page = "https://a.example/x?y=%20&z=a b";
        let [first, second, third] = &commands("firefox -new:: open=%s -p 100%% :w3m %s", page)[..] else {
            panic!("three commands")
        };
        assert_eq!(*first, ["firefox", "-new", page]);
        assert_eq!(*second, [&format!("open={page}"), "-p", "100%"]);
        assert_eq!(*third, ["w3m", page]);
        assert!(commands("", page).is_empty());
    }
}
