//! Entries of all apps, grouped where they mean the same: the same address with the same headers, or the same program
//! with the same secrets.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use super::held::Held;
use super::read::{Program, Reading, Remote, read};
use crate::api::view::{FoundBlock as Block, FoundLeft as Left, FoundNote as Note};
use crate::catalog::{self, Offer, Provider, check_address};
use crate::client::{Client, Source};
use crate::connection::{AuthHeader, Carrier};
use crate::error::Code;
use crate::file::digest;
use crate::secret::Secret;
use crate::token;

/// An entry as it stands in an app's file.
#[derive(Clone)]
pub(crate) struct Stands {
    pub(crate) client: &'static Client,
    pub(crate) source: Source,
    pub(crate) entry: String,
    pub(crate) value: Value,
    /// Why it has to stay as it is, where it has to.
    pub(crate) left: Option<Left>,
}

/// An entry in its group.
pub(crate) struct Member {
    pub(crate) stands: Stands,
    /// Which of the group's tokens it holds, where it leads to a service.
    pub(crate) token: Option<usize>,
    pub(crate) through: Option<&'static str>,
}

/// A token that lies in plain text.
pub(crate) struct Token {
    /// The header or variable that holds it.
    pub(crate) name: String,
    /// Whether it goes along with a token, in a header of its own.
    pub(crate) beside: bool,
    value: Zeroizing<String>,
    /// Which members hold it, and where.
    pub(crate) places: Vec<(usize, String)>,
}

/// What a group would become.
pub(crate) enum Becomes {
    Service(Box<Service>),
    Program(String),
    Unclear,
}

/// A service at an address.
pub(crate) struct Service {
    pub(crate) url: String,
    pub(crate) auth: Option<AuthHeader>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) provider: &'static Provider,
    pub(crate) offer: Offer,
}

/// Entries that mean the same.
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) becomes: Becomes,
    pub(crate) members: Vec<Member>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) notes: BTreeSet<Note>,
    pub(crate) blocked: Option<Block>,
}

impl Token {
    /// Its value, as it would be kept.
    pub(crate) fn secret(&self) -> Secret {
        Secret::new(self.value.to_string())
    }
}

impl Found {
    /// Whether it holds a token that can be moved now.
    pub(crate) fn is_worthwhile(&self) -> bool {
        let asks = matches!(&self.becomes, Becomes::Service(service) if !service.offer.asks.is_empty());
        !self.tokens.is_empty() && self.blocked.is_none() && !asks
    }

    /// `https://host[:port]`, where it is a service.
    pub(crate) fn origin(&self) -> Option<String> {
        let Becomes::Service(service) = &self.becomes else { return None };
        Url::parse(&service.url).ok().map(|url| url.origin().ascii_serialization())
    }

    fn address(&self) -> Option<String> {
        if let Becomes::Service(service) = &self.becomes { Some(service.url.clone()) } else { None }
    }

    fn new(becomes: Becomes) -> Self {
        let (members, tokens, notes) = (Vec::new(), Vec::new(), BTreeSet::new());
        Self { id: String::new(), name: String::new(), becomes, members, tokens, notes, blocked: None }
    }

    fn join(&mut self, stands: &Stands, through: Option<&'static str>, token: Option<usize>) {
        let mut stands = stands.clone();
        let is_there = |other: &Member| {
            other.stands.client.id == stands.client.id && other.stands.source.scope == stands.source.scope
        };
        if stands.left.is_none() && self.members.iter().any(|other| other.stands.left.is_none() && is_there(other)) {
            stands.left = Some(Left::Twice);
        }
        self.members.push(Member { stands, token, through });
    }

    /// Whether an app's entry with this token can be a part of it: one app uses one token of a connection, in all its
    /// folders, because what it starts cannot tell for which folder it was started.
    fn agrees(&self, client: &Client, value: Option<(&str, &Zeroizing<String>)>) -> bool {
        let known = self.position(value);
        let mut own = self.members.iter().filter(|member| member.stands.client.id == client.id);
        own.all(|member| member.token == known && (known.is_some() || value.is_none()))
    }

    fn position(&self, value: Option<(&str, &Zeroizing<String>)>) -> Option<usize> {
        let (name, value) = value?;
        self.tokens.iter().position(|token| token.name == name && token.value == *value)
    }

    fn hold(&mut self, name: &str, value: &Zeroizing<String>, at: String) -> usize {
        let place = (self.members.len(), at);
        if let Some(known) = self.position(Some((name, value))) {
            self.tokens[known].places.push(place);
            return known;
        }
        self.tokens.push(Token { name: name.to_owned(), value: value.clone(), beside: false, places: vec![place] });
        self.tokens.len() - 1
    }

    fn hold_all(&mut self, held: &Held) -> Option<usize> {
        let places = held.places.iter();
        let token = places.map(|at| self.hold(&held.auth.name, &held.token, at.clone())).last();
        for (carrier, value, at) in &held.beside {
            let known = self.hold(&carrier.name, value, at.clone());
            self.tokens[known].beside = true;
        }
        token
    }

    /// Whether it has no other secret for any of these headers: all tokens of a connection share them.
    fn shares(&self, held: &Held) -> bool {
        let is_other = |token: &Token| {
            let of =
                |(carrier, ..): &&(Carrier, Zeroizing<String>, String)| carrier.name.eq_ignore_ascii_case(&token.name);
            token.beside && held.beside.iter().find(of).is_some_and(|(_, value, _)| *value != token.value)
        };
        !self.tokens.iter().any(is_other)
    }
}

/// Groups all entries; the groups of one origin stand beside each other, in the order of their first entries.
pub(crate) fn find(entries: &[Stands]) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for stands in entries {
        match read(&stands.entry, &stands.value) {
            Reading::Remote(remote) => join_service(&mut all, stands, remote),
            Reading::Program(program) => join_program(&mut all, stands, &program),
            Reading::Unclear => {
                let mut found = Found { blocked: Some(Block::Unclear), ..Found::new(Becomes::Unclear) };
                found.join(stands, None, None);
                all.push(found);
            }
        }
    }
    let origins: Vec<_> = all.iter().map(Found::origin).collect();
    let addresses: Vec<_> = all.iter().map(Found::address).collect();
    for found in &mut all {
        let (origin, address) = (found.origin(), found.address());
        let is_other = |other: &String| address.as_ref().is_some_and(|own| !same_address(own, other));
        let mut there = origins.iter().zip(&addresses).filter(|(other, _)| **other == origin);
        let several = origin.is_some() && there.any(|(_, other)| other.as_ref().is_some_and(is_other));
        finish(found, several);
    }
    let mut place = 0;
    let order: Vec<usize> = origins
        .iter()
        .map(|origin| {
            place += 1;
            let first = origin.as_ref().and_then(|_| origins.iter().position(|other| other == origin));
            first.unwrap_or(place - 1)
        })
        .collect();
    let mut placed: Vec<_> = order.into_iter().zip(all).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, found)| found).collect()
}

/// What is sent beside the token and by itself, without what every request has.
fn plain_headers(remote: &Remote) -> Vec<(String, String)> {
    const OWN: [&str; 3] = ["accept", "content-type", "mcp-protocol-version"];
    let plain = remote.headers.iter().filter(|header| !header.secret);
    let mut plain: Vec<_> = plain
        .filter(|header| !OWN.contains(&header.name.to_ascii_lowercase().as_str()))
        .map(|header| (header.name.clone(), header.value.to_string()))
        .collect();
    plain.sort();
    plain
}

fn join_service(all: &mut Vec<Found>, stands: &Stands, remote: Remote) {
    let headers = plain_headers(&remote);
    let secrets: Vec<_> = remote.headers.iter().filter(|header| header.secret).collect();
    let has_secrets = !secrets.is_empty();
    let held = Held::of(secrets);
    // One that is not in the file would be lost: what stands there would be brought in without it.
    let several = has_secrets && (held.is_none() || remote.notes.contains(&Note::TokenElsewhere));
    let auth = held.as_ref().map(|held| &held.auth);
    let fits = |found: &Found| match &found.becomes {
        Becomes::Service(service) => {
            let is_sent_so = service.auth.as_ref().zip(auth).is_none_or(|(known, auth)| known.is_same(auth));
            same_address(&service.url, &remote.url)
                && service.headers == headers
                && is_sent_so
                && held.as_ref().is_none_or(|held| found.shares(held))
                && !several
                && found.blocked.is_none()
        }
        _ => false,
    };
    let value = held.as_ref().map(|held| (held.auth.name.as_str(), &held.token));
    let fitting: Vec<_> =
        (0..all.len()).filter(|at| fits(&all[*at]) && all[*at].agrees(stands.client, value)).collect();
    // Where several fit, the one that has this token already.
    let chosen = fitting.iter().find(|at| all[**at].position(value).is_some()).or(fitting.first());
    let found = if let Some(at) = chosen {
        &mut all[*at]
    } else {
        let provider = catalog::custom();
        let service = Service { url: remote.url, auth: None, headers, provider, offer: Offer::default() };
        all.push(Found::new(Becomes::Service(Box::new(service))));
        all.last_mut().expect("one was put there")
    };
    if several {
        found.blocked = Some(Block::SeveralSecrets);
    }
    if let (Becomes::Service(service), Some(auth)) = (&mut found.becomes, auth) {
        service.auth.get_or_insert_with(|| auth.clone());
    }
    let token = held.as_ref().and_then(|held| found.hold_all(held));
    found.notes.extend(remote.notes);
    found.join(stands, remote.through, token);
}

fn join_program(all: &mut Vec<Found>, stands: &Stands, program: &Program) {
    let same = |found: &mut Found| {
        let tokens = found.tokens.iter().map(|token| (&token.name, &token.value));
        matches!(&found.becomes, Becomes::Program(name) if *name == program.name)
            && tokens.eq(program.secrets.iter().map(|(name, value, _)| (name, value)))
            && (found.blocked == Some(Block::TokenInArguments)) == program.stays
    };
    let at = all.iter_mut().position(same).unwrap_or_else(|| {
        all.push(Found::new(Becomes::Program(program.name.clone())));
        all.len() - 1
    });
    let found = &mut all[at];
    for (variable, value, at) in &program.secrets {
        found.hold(variable, value, at.clone());
    }
    found.blocked = match program.stays {
        true => Some(Block::TokenInArguments),
        false if program.secrets.is_empty() => Some(Block::NothingSecret),
        false => None,
    };
    found.join(stands, None, None);
}

/// The same place, however a slash at its end or the letters of its host are written.
fn same_address(a: &str, b: &str) -> bool {
    let plain = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Some(url)
    };
    a == b || plain(a).is_some_and(|a| plain(b) == Some(a))
}

/// What can be told only once all members are known.
fn finish(found: &mut Found, several: bool) {
    let entry = found.members.first().map_or("", |member| member.stands.entry.as_str());
    found.name = spoken(entry);
    if let Becomes::Service(service) = &mut found.becomes {
        (service.provider, service.offer) = catalog::offer(&service.url, service.auth.as_ref(), &service.headers);
        if service.provider.id != catalog::custom().id {
            found.name.clone_from(&service.provider.name);
        }
        let refused = check_address(&service.url).err().map(|error| match error.code {
            Code::AddressNotHttps => Block::AddressNotHttps,
            Code::AddressHasToken | Code::AddressHasCredentials => Block::AddressHasToken,
            _ => Block::AddressInvalid,
        });
        found.blocked = refused.or(found.blocked).or(service.offer.refused.then_some(Block::Header));
        let looks = found.tokens.iter().map(|token| {
            let secret = token::clean(&token.value).secret;
            if token.beside {
                token::look_beside(service.provider, &token.name, &secret)
            } else {
                token::look(service.provider, &secret)
            }
        });
        for look in looks.collect::<Vec<_>>() {
            found.notes.extend((!look.warnings.is_empty()).then_some(Note::TokenShape));
            found.blocked = found.blocked.or((!look.errors.is_empty()).then_some(Block::Token));
        }
        found.notes.extend(several.then_some(Note::OtherAddress));
        found
            .notes
            .extend((found.tokens.iter().filter(|token| !token.beside).count() > 1).then_some(Note::DifferentTokens));
        found.notes.extend((found.tokens.is_empty() && found.notes.is_empty()).then_some(Note::NoToken));
    }
    if found.members.iter().all(|member| member.stands.left.is_some()) {
        found.blocked = found.blocked.or(Some(Block::AllLeft));
    }
    found.id = id_of(&found.members);
}

/// The id of a group: of its entries' places, so that it says nothing of a token.
fn id_of(members: &[Member]) -> String {
    let places: Vec<_> = members
        .iter()
        .map(|member| {
            serde_json::json!([
                member.stands.client.id,
                member.stands.source.path,
                member.stands.source.table,
                member.stands.entry
            ])
        })
        .collect();
    digest(serde_json::json!(places).to_string().as_bytes())[..12].to_owned()
}

/// An entry's name as a person would write it.
fn spoken(entry: &str) -> String {
    let words = entry.rsplit('/').next().unwrap_or(entry).replace(['-', '_', '.'], " ");
    let mut chars = words.trim().chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}
