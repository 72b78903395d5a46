//! What people paste, and what it should have been.
//!
//! What stands around a token is taken out. What breaks one in the middle is not: two secrets on two lines, or a token and
//! a word behind it, must never be glued together to something that is neither. Only where a service's tokens have a known
//! shape, the whole fits it and no piece does by itself, it was one token that a mail program wrapped, and is joined.

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::catalog::{Provider, Shape, foreign_service};
use crate::connection::PROGRAM;
use crate::error::{Code, Error};
use crate::secret::Secret;

/// The length beyond which nothing is a token. Servers take headers of 8 to 16 KiB at most.
const MOST_BYTES: usize = 16 * 1024;

/// Something that was taken out of what was pasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanChange {
    /// Spaces or line breaks.
    WhiteSpace,
    /// Quotation marks around it.
    Quotes,
    /// `Bearer` or `Authorization:` before it.
    Scheme,
    /// Characters that cannot be seen.
    Invisible,
}

/// A cleaned token.
#[derive(Debug)]
pub struct Cleaned {
    /// The token.
    pub secret: Secret,
    /// What was taken out.
    pub changes: Vec<CleanChange>,
}

/// Takes out of a pasted text what is surely no part of a token.
///
/// Every copy on the way is wiped.
pub fn clean(raw: &str) -> Cleaned {
    let mut changes = Vec::new();
    let mut text = Zeroizing::new(raw.to_owned());
    let mut step = |change: CleanChange, take_out: &dyn Fn(&str) -> String| {
        let after = Zeroizing::new(take_out(&text));
        if *after != *text && !changes.contains(&change) {
            changes.push(change);
        }
        text = after;
    };
    step(CleanChange::Invisible, &|text| text.chars().filter(|c| !is_invisible(*c)).collect());
    step(CleanChange::WhiteSpace, &|text| text.trim().to_owned());
    step(CleanChange::Quotes, &|text| unquoted(text).to_owned());
    step(CleanChange::Scheme, &|text| without_scheme(text).to_owned());
    step(CleanChange::Quotes, &|text| unquoted(text).to_owned());
    step(CleanChange::WhiteSpace, &|text| text.trim().to_owned());
    Cleaned { secret: Secret::new(text.as_str()), changes }
}

/// The same for a service's token, or for the secret of a header beside it: where it was surely one that is wrapped over
/// several lines, it is joined again.
pub fn clean_for(provider: &Provider, header: Option<&str>, raw: &str) -> Cleaned {
    let mut cleaned = clean(raw);
    let whole: Zeroizing<String> = Zeroizing::new(cleaned.secret.expose().split_whitespace().collect());
    let shape = rule(provider, header).0.filter(|shape| *shape != Shape::Opaque);
    let is_one =
        |shape: Shape| shape.fits(&whole) && !cleaned.secret.expose().split_whitespace().any(|piece| shape.fits(piece));
    if shape.is_some_and(is_one) && *whole != cleaned.secret.expose() {
        cleaned.secret = Secret::new(whole.as_str());
        if !cleaned.changes.contains(&CleanChange::WhiteSpace) {
            cleaned.changes.push(CleanChange::WhiteSpace);
        }
    }
    cleaned
}

/// The shape of a service's tokens, or of the secrets of a header beside them, and whether another cannot be right.
fn rule(provider: &Provider, header: Option<&str>) -> (Option<Shape>, bool) {
    match header {
        None => (provider.token.pattern, provider.token.sure),
        Some(header) => {
            let rule = provider.beside_named(header);
            (rule.and_then(|rule| rule.pattern), rule.is_some_and(|rule| rule.sure))
        }
    }
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '‟' | '‘' | '’' | '‚' | '‛' | '«' | '»' | '‹' | '›')
}

/// Without the quotes around it, and the comma that follows a value in a copied line of JSON.
fn unquoted(text: &str) -> &str {
    let begun = text.trim_start_matches(|c: char| is_quote(c) || c.is_whitespace());
    let ended = begun.trim_end_matches(|c: char| is_quote(c) || c.is_whitespace() || c == ',');
    // A comma belongs to the line it was copied with only where a quote stands before it.
    if begun[ended.len()..].contains(is_quote) { ended } else { begun.trim_end() }
}

/// Without a header's name and the scheme: no token has white space in it, so a known word before some is none of it.
fn without_scheme(text: &str) -> &str {
    let between = |c: char| c == ':' || is_quote(c) || c.is_whitespace();
    let mut rest = text;
    for word in ["authorization", "bearer", "sentry-bearer", "basic", "token"] {
        let Some((start, after)) = rest.split_at_checked(word.len()) else { continue };
        let is_word = after.starts_with(|c: char| c.is_whitespace() || (word == "authorization" && between(c)));
        if start.eq_ignore_ascii_case(word) && is_word {
            rest = after.trim_start_matches(between);
        }
    }
    rest
}

/// What a token looks like to a service.
#[derive(Debug, Default)]
pub struct TokenLook {
    /// What makes it unusable.
    pub errors: Vec<Error>,
    /// What looks odd but can be overruled.
    pub warnings: Vec<Error>,
    /// Its end, where it says so itself.
    pub expires: Option<Timestamp>,
}

/// Looks at a cleaned token.
pub fn look(provider: &Provider, secret: &Secret) -> TokenLook {
    look_at(provider, None, secret)
}

/// Looks at a cleaned secret of a header beside the token's.
pub fn look_beside(provider: &Provider, header: &str, secret: &Secret) -> TokenLook {
    let mut look = look_at(provider, Some(header), secret);
    for error in look.errors.iter_mut().chain(&mut look.warnings) {
        error.field = Some(field_of(Some(header)));
    }
    look
}

/// The field of a secret: that of a header beside the token's, or the token's.
pub fn field_of(header: Option<&str>) -> String {
    header.map_or_else(|| "token".to_owned(), |header| format!("token:{header}"))
}

fn look_at(provider: &Provider, header: Option<&str>, secret: &Secret) -> TokenLook {
    let (token, (pattern, sure)) = (secret.expose(), rule(provider, header));
    let mut look = TokenLook { expires: jwt_end(token), ..TokenLook::default() };
    let copy_again = "Copy the token again at the service and paste it whole.";
    if token.is_empty() {
        look.errors.push(Error::new(Code::TokenEmpty, "No token was given.").hint(copy_again).field("token"));
    } else if token.len() > MOST_BYTES {
        let error = Error::new(Code::TokenTooLong, "This is far longer than any token.");
        look.errors.push(error.hint(copy_again).field("token"));
    } else if token.contains(char::is_whitespace) {
        let error =
            Error::new(Code::TokenControlCharacters, "It has a blank or a line break in the middle, as no token has.");
        look.errors.push(error.hint("Give one token, whole and on one line, and nothing else.").field("token"));
    } else if !token.chars().all(|c| c.is_ascii_graphic()) {
        let error = Error::new(Code::TokenControlCharacters, "The token has characters that no token has.");
        look.errors.push(error.hint(copy_again).field("token"));
    } else if let Some(other) = foreign_service(token, &provider.id).filter(|_| provider.id != PROGRAM) {
        // A program's token is for whichever service the program speaks to.
        let error =
            Error::new(Code::TokenOtherService, format!("This is a token of {other}, not of {}.", provider.name));
        look.errors.push(error.hint(format!("Make one at {} and paste that.", provider.name)).field("token"));
    } else if pattern.is_some_and(|shape| !shape.fits(token)) {
        let error = Error::new(Code::TokenShape, odd(provider, header));
        let list = if sure { &mut look.errors } else { &mut look.warnings };
        list.push(error.hint("Check that all of it was copied.").field("token"));
    }
    look
}

/// What is said of a secret of another shape; by its name, where a service has several.
fn odd(provider: &Provider, header: Option<&str>) -> String {
    let rule = header.and_then(|header| provider.beside_named(header));
    let label = header.map_or(provider.token.label.as_ref(), |_| rule.map(|rule| &rule.label));
    match label {
        Some(label) => format!("What was given as “{label}” does not look like one of {}.", provider.name),
        None => format!("This does not look like a token of {}.", provider.name),
    }
}

/// The `exp` of a JSON Web Token (RFC 7519); its signature is the service's business.
fn jwt_end(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (head, body) = (parts.next()?, parts.next()?);
    (head.starts_with("eyJ") && parts.next().is_some()).then_some(())?;
    let claims: serde_json::Value = serde_json::from_slice(&base64_url(body)?).ok()?;
    Timestamp::from_second(claims.get("exp")?.as_i64()?).ok()
}

fn base64_url(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::catalog;

    #[rstest]
    #[case("abc123", "abc123", &[])]
    #[case("  abc123 \r\n", "abc123", &[CleanChange::WhiteSpace])]
    #[case("abc\n123\n", "abc\n123", &[CleanChange::WhiteSpace])]
    #[case("\"abc123\"", "abc123", &[CleanChange::Quotes])]
    #[case("“abc123”", "abc123", &[CleanChange::Quotes])]
    #[case("Bearer abc123", "abc123", &[CleanChange::Scheme])]
    #[case("authorization: bearer 'abc123'", "abc123", &[CleanChange::Quotes, CleanChange::Scheme])]
    #[case("\u{feff}abc\u{200b}123", "abc123", &[CleanChange::Invisible])]
    #[case("abc\u{a0}123", "abc\u{a0}123", &[])]
    #[case("Bearer", "Bearer", &[])]
    #[case("Bearer\nabc123", "abc123", &[CleanChange::Scheme])]
    #[case("BEARER\u{a0}abc123", "abc123", &[CleanChange::Scheme])]
    #[case("Bearerabc123", "Bearerabc123", &[])]
    #[case("authorizationabc", "authorizationabc", &[])]
    #[case("Basic dTpw", "dTpw", &[CleanChange::Scheme])]
    #[case("  \"Authorization\": \"Bearer abc123\",\n", "abc123", &[CleanChange::WhiteSpace, CleanChange::Quotes, CleanChange::Scheme])]
    #[case("abc123,", "abc123,", &[])]
    #[case("‘abc\u{2066}123’", "abc123", &[CleanChange::Invisible, CleanChange::Quotes])]
    #[case("\"", "", &[CleanChange::Quotes])]
    fn cleans(#[case] raw: &str, #[case] token: &str, #[case] changes: &[CleanChange]) {
        let cleaned = clean(raw);
        assert_eq!(cleaned.secret.expose(), token);
        assert_eq!(cleaned.changes, changes);
    }

    #[rstest]
    #[case::wrapped_by_a_mail_program(
        "practice",
        "pbp_0123456789a\r\n bcdefghijkl\n",
        Some("pbp_0123456789abcdefghijkl")
    )]
    #[case::two_of_them("retently", "rtly_mcp_pat_1_abcdefgh\nrtly_mcp_pat_2_abcdefgh", None)]
    #[case::a_word_behind_it("retently", "rtly_mcp_pat_1_abcdefgh junk", None)]
    #[case::two_of_no_shape("custom", "AAA\nBBB\n", None)]
    #[case::two_of_a_loose_shape("xurrent", "0123456789\n0123456789", None)]
    fn only_what_was_surely_one_token_is_joined(
        #[case] provider: &str,
        #[case] raw: &str,
        #[case] whole: Option<&str>,
    ) {
        let provider = catalog::find(provider).expect("a service");
        let cleaned = clean_for(provider, None, raw);
        let error = look(provider, &cleaned.secret).errors.into_iter().next().map(|error| error.code);
        assert_eq!(error, whole.is_none().then_some(Code::TokenControlCharacters));
        assert!(whole.is_none_or(|whole| whole == cleaned.secret.expose()));
    }

    #[rstest]
    #[case("retently", "", Some(Code::TokenEmpty), None)]
    #[case("retently", "tök", Some(Code::TokenControlCharacters), None)]
    #[case("retently", "ghp_0123456789012345678901234567890123456", Some(Code::TokenOtherService), None)]
    #[case("retently", "something-else-altogether", None, Some(Code::TokenShape))]
    #[case("retently", "rtly_mcp_pat_7_abcdefgh", None, None)]
    #[case("practice", "pbp_short", Some(Code::TokenShape), None)]
    #[case("custom", "ghp_0123456789012345678901234567890123456", None, None)]
    #[case("program", "ghp_0123456789012345678901234567890123456", None, None)]
    #[case("xurrent", "too-short", None, Some(Code::TokenShape))]
    fn looks(#[case] provider: &str, #[case] token: &str, #[case] error: Option<Code>, #[case] warning: Option<Code>) {
        let look = look(catalog::find(provider).expect("a service"), &Secret::new(token));
        assert_eq!(look.errors.first().map(|error| error.code), error);
        assert_eq!(look.warnings.first().map(|error| error.code), warning);
        assert!(
            token.is_empty() || look.errors.iter().chain(&look.warnings).all(|error| !error.message.contains(token))
        );
    }

    #[test]
    fn reads_the_end_of_a_web_token() {
        // {"exp":1900000000}
        let look = look(
            catalog::find("custom").expect("a service"),
            &Secret::new("eyJhbGciOiJub25lIn0.eyJleHAiOjE5MDAwMDAwMDB9.x"),
        );
        assert_eq!(look.expires.map(Timestamp::as_second), Some(1_900_000_000));
    }
}
