//! Draws the token page. Everything that came from outside is escaped here, and nothing is looked up: what stands on
//! the page are the arguments.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::StoreError;
use crate::token::{MOST_NAME, Made, SCOPES, State, Token};

/// Lifetimes to choose from: seconds and words.
const LIFETIMES: &[(i64, &str)] = &[
    (60, "1 minute"),
    (5 * 60, "5 minutes"),
    (3600, "1 hour"),
    (86_400, "1 day"),
    (7 * 86_400, "7 days"),
    (30 * 86_400, "30 days"),
    (90 * 86_400, "90 days"),
    (365 * 86_400, "1 year"),
];

const SUGGESTED_LIFETIME: i64 = 30 * 86_400;
const SUGGESTED_SCOPES: &[&str] = &["profile:read", "notes:read"];

/// What stands in the form.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) lifetime: i64,
}

/// What the page begins with.
pub(crate) enum Top {
    Form { filled: Filled, trouble: Option<StoreError> },
    Made(Made),
}

impl Filled {
    /// Fills the form as the page's address says; with what suits a beginner where it says nothing.
    pub(crate) fn from_address(name: Option<String>, scopes: Option<&str>) -> Self {
        let name = name.unwrap_or_else(|| "My practice token".to_owned());
        let name = name.chars().filter(|character| !character.is_control()).take(MOST_NAME).collect();
        let scopes = scopes.filter(|scopes| !scopes.trim().is_empty()).map_or_else(
            || SUGGESTED_SCOPES.iter().map(ToString::to_string).collect(),
            |scopes| scopes.split([',', ' ']).map(str::to_owned).collect(),
        );
        Self { name, scopes, lifetime: SUGGESTED_LIFETIME }
    }
}

/// Draws the whole page.
pub(crate) fn draw(top: &Top, tokens: &[Token], now: Timestamp, zone: &TimeZone) -> String {
    let top = match top {
        Top::Form { filled, trouble } => form(filled, trouble.as_ref()),
        Top::Made(made) => shown_once(made, zone),
    };
    format!(include_str!("../page/tokens.html"), top = top, list = list(tokens, now, zone))
}

fn form(filled: &Filled, trouble: Option<&StoreError>) -> String {
    let trouble =
        trouble.map(|trouble| format!(r#"<p class="trouble" role="alert">{}</p>"#, escape(&trouble.to_string())));
    let scopes: String = SCOPES.iter().map(|(id, what)| scope(id, what, &filled.scopes)).collect();
    let lifetimes: String = LIFETIMES.iter().map(|(seconds, words)| lifetime(*seconds, words, filled)).collect();
    format!(
        r#"<section><h2>Make a token</h2>{trouble}
<form method="post" action="/tokens">
<label for="token-name">Name</label>
<input id="token-name" name="name" value="{name}" maxlength="{MOST_NAME}" required autocomplete="off" spellcheck="false" aria-describedby="name-hint">
<p class="hint" id="name-hint">So that you recognise it later, for example the app that uses it.</p>
<fieldset><legend>What it may do</legend>{scopes}</fieldset>
<label for="lifetime">How long it lasts</label>
<select id="lifetime" name="lifetime">{lifetimes}</select>
<button type="submit" id="make-token" class="main">Make token</button>
</form></section>"#,
        trouble = trouble.unwrap_or_default(),
        name = escape(&filled.name),
    )
}

/// A permission to tick.
pub(crate) fn scope(id: &str, what: &str, ticked: &[String]) -> String {
    let checked = if ticked.iter().any(|scope| scope == id) { " checked" } else { "" };
    let element = id.replace(':', "-");
    format!(
        r#"<label class="choice" for="scope-{element}"><input type="checkbox" id="scope-{element}" name="scope" value="{id}"{checked}><span>{what} <code>{id}</code></span></label>"#
    )
}

fn lifetime(seconds: i64, words: &str, filled: &Filled) -> String {
    let selected = if seconds == filled.lifetime { " selected" } else { "" };
    format!(r#"<option value="{seconds}"{selected}>{words}</option>"#)
}

fn shown_once(made: &Made, zone: &TimeZone) -> String {
    format!(
        r#"<section class="made"><h2>Your new token</h2>
<p><strong>Copy it now.</strong> It is shown only this once.</p>
<label for="new-token">Token</label>
<div class="copy"><input id="new-token" readonly autocomplete="off" spellcheck="false" value="{}">
<button type="button" id="copy-token" class="main">Copy</button></div>
<p role="status" id="copied" class="hint"></p>
<p>It ends on {}.</p>
<p><a href="/tokens">Make another one</a></p></section>"#,
        escape(&made.value),
        when(made.expires, zone, "new-token-ends")
    )
}

fn list(tokens: &[Token], now: Timestamp, zone: &TimeZone) -> String {
    if tokens.is_empty() {
        return r#"<p class="empty">There are none yet. The first one that you make appears here.</p>"#.to_owned();
    }
    let rows: String = tokens.iter().map(|token| row(token, now, zone)).collect();
    format!(
        r#"<div class="wide" role="region" aria-labelledby="list" tabindex="0"><table>
<thead><tr><th scope="col">Name</th><th scope="col">May do</th><th scope="col">Made</th><th scope="col">Ends</th><th scope="col">State</th><th scope="col"><span class="unseen">Action</span></th></tr></thead>
<tbody>{rows}</tbody></table></div>"#
    )
}

fn row(token: &Token, now: Timestamp, zone: &TimeZone) -> String {
    let (id, name) = (escape(&token.id), escape(&token.name));
    let (state, word) = match token.state(now) {
        State::Active => ("active", "Active"),
        State::Expired => ("expired", "Expired"),
        State::Revoked => ("revoked", "Revoked"),
    };
    let action = if state == "active" {
        format!(
            r#"<form method="post" action="/tokens/{id}/revoke"><button type="submit" data-revoke="{id}" aria-label="Revoke {name}">Revoke</button></form>"#
        )
    } else {
        String::new()
    };
    let scopes: String = token.scopes.iter().fold(String::new(), |mut scopes, scope| {
        let _ = write!(scopes, "<code>{}</code> ", escape(scope));
        scopes
    });
    format!(
        r#"<tr data-token="{id}" data-state="{state}"><th scope="row">{name}</th><td>{scopes}</td><td>{}</td><td>{}</td><td class="state">{word}</td><td>{action}</td></tr>"#,
        short(token.created, zone),
        short(token.expires, zone)
    )
}

fn when(moment: Timestamp, zone: &TimeZone, id: &str) -> String {
    let local = moment.to_zoned(zone.clone());
    format!(r#"<time id="{id}" datetime="{moment}">{}</time>"#, local.strftime("%A, %-d %B %Y at %H:%M:%S (%Y-%m-%d)"))
}

/// A moment, short.
pub(crate) fn short(moment: Timestamp, zone: &TimeZone) -> String {
    let local = moment.to_zoned(zone.clone());
    format!(r#"<time datetime="{moment}">{}</time>"#, local.strftime("%-d %b %Y, %H:%M"))
}

/// Text as it stands in HTML, in quotes too.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, character| {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "\"><script>alert('x')</script>&{list}";

    fn token(name: &str, expires: i64) -> Token {
        let at = |second| Timestamp::from_second(second).expect("a moment");
        let (created, expires) = (at(0), at(expires));
        Token {
            id: "abc".into(),
            name: name.into(),
            scopes: vec!["notes:read".into()],
            created,
            expires,
            revoked: None,
            hash: "h4sh".into(),
        }
    }

    fn draw_form(filled: Filled, tokens: &[Token]) -> String {
        draw(&Top::Form { filled, trouble: None }, tokens, Timestamp::UNIX_EPOCH, &TimeZone::UTC)
    }

    #[test]
    fn names_are_text_wherever_they_stand() {
        let html = draw_form(Filled::from_address(Some(NASTY.into()), None), &[token(NASTY, 60)]);
        assert!(!html.contains("<script>alert"));
        let text = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;{list}";
        assert_eq!(html.matches(text).count(), 3, "the field, the row, the button's label");
    }

    #[test]
    fn an_unknown_scope_is_neither_checked_nor_shown() {
        let html = draw_form(Filled::from_address(None, Some("notes:write,<b>root</b>")), &[]);
        assert_eq!(html.matches(" checked").count(), 1);
        assert!(html.contains(r#"id="scope-notes-write" name="scope" value="notes:write" checked"#));
        assert!(!html.contains("root"));
    }

    #[test]
    fn only_an_active_token_can_be_revoked() {
        let row = |seconds| draw_form(Filled::from_address(None, None), &[token("a", seconds)]);
        assert!(row(60).contains(r#"data-revoke="abc""#) && row(60).contains(r#"data-state="active""#));
        assert!(!row(0).contains("data-revoke") && row(0).contains(r#"data-state="expired""#));
        assert!(!row(60).contains("h4sh"));
    }

    #[test]
    fn the_end_is_a_date_and_time_of_the_readers_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let expires: Timestamp = "2027-02-03T22:30:00Z".parse().expect("a moment");
        let made = Made { id: "abc".into(), value: "pbp_value".into(), expires };
        let html = draw(&Top::Made(made), &[], Timestamp::UNIX_EPOCH, &zone);
        assert!(html.contains("Thursday, 4 February 2027 at 00:30:00 (2027-02-04)"));
        assert!(html.contains(r#"datetime="2027-02-03T22:30:00Z""#));
    }
}
