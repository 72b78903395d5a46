//! The secrets of one entry: which is the token, and what goes along with it.

use zeroize::Zeroizing;

use super::read::Header;
use crate::connection::{AuthHeader, Carrier, is_user};
use crate::wire::{base64, from_base64};

/// The secrets of one entry.
pub(super) struct Held {
    pub(super) auth: AuthHeader,
    pub(super) token: Zeroizing<String>,
    /// Where the token stands.
    pub(super) places: Vec<String>,
    /// The others, each in a header of its own, and where it stands.
    pub(super) beside: Vec<(Carrier, Zeroizing<String>, String)>,
}

impl Held {
    /// Takes the secrets of an entry; none where one header has two.
    pub(super) fn of(mut secrets: Vec<&Header>) -> Option<Self> {
        // The same whatever the order in which they stand, so that entries of several apps are known for the same.
        let rest = |header: &&Header| (!header.name.eq_ignore_ascii_case("authorization"), header.name.to_lowercase());
        if secrets
            .iter()
            .any(|header| split(&header.name, &header.value).1 != split(&secrets[0].name, &secrets[0].value).1)
        {
            secrets.sort_by_key(rest);
        }
        let first = secrets.first()?;
        let (auth, token) = split(&first.name, &first.value);
        let mut held = Self { auth, token, places: vec![first.at.clone()], beside: Vec::new() };
        for header in &secrets[1..] {
            held.take(header)?;
        }
        Some(held)
    }

    fn take(&mut self, header: &Header) -> Option<()> {
        let (more, again) = split(&header.name, &header.value);
        if self.auth.carries(&header.name) {
            return None;
        }
        if self.token == again && self.auth.user.is_none() && more.user.is_none() {
            self.auth.also.push(Carrier { name: more.name, prefix: more.prefix });
            self.places.push(header.at.clone());
            return Some(());
        }
        // A pair is kept as it is written: only the token's own header makes one.
        let written = || Zeroizing::new(header.value[more.prefix.len()..].trim_start().to_owned());
        let value = if more.user.is_some() { written() } else { again };
        let carrier = Carrier { name: more.name, prefix: more.prefix };
        self.auth.beside.push(carrier.clone());
        self.beside.push((carrier, value, header.at.clone()));
        Some(())
    }
}

/// A header's value taken apart into what stands before the token, and the token; of a pair only where it begins with an
/// e-mail address: some services have the secret stand first.
fn split(name: &str, value: &str) -> (AuthHeader, Zeroizing<String>) {
    let known = ["Bearer ", "Basic ", "Token token=", "Token ", "Sentry-Bearer "].into_iter().find(|word| {
        let begins = value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        // What is quoted is more than the token.
        begins && !(word.ends_with('=') && value[word.len()..].starts_with('"'))
    });
    let rest = Zeroizing::new(known.map_or(value, |word| value[word.len()..].trim_start()).to_owned());
    let header = AuthHeader::plain(name, known.unwrap_or_default());
    match paired(&rest).filter(|_| known == Some("Basic ")) {
        Some((user, token)) => (AuthHeader { user: Some(user), ..header }, token),
        None => (header, rest),
    }
}

/// The e-mail address and the token that a pair is made of.
fn paired(written: &str) -> Option<(String, Zeroizing<String>)> {
    let bytes = Zeroizing::new(from_base64(written)?);
    let (user, token) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    let is_address = user.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let is_whole = base64(&bytes) == written && !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic());
    (is_address && is_user(user) && is_whole).then(|| (user.to_owned(), Zeroizing::new(token.to_owned())))
}
