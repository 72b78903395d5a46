//! What the apps' files hold that Patchbay could bring in, for the screens. No token's value, not even a part of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::message::Connected;
use crate::catalog;
use crate::client::{Scope, read_entry};
use crate::connection::{Connection, PROGRAM};
use crate::error::Error;
use crate::import::{Becomes, Found, Member, Token};
use crate::secret::mask;

/// Entries that mean one service at one address, or one program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct FoundView {
    /// Its id: the same as long as the same entries are meant.
    pub id: String,
    /// The name that the connection would get.
    pub name: String,
    /// Whether it is a program that the app starts, and stays one.
    pub program: bool,
    /// `https://host[:port]`, where it is a service.
    pub origin: Option<String>,
    /// The address, or the program's name; secrets masked.
    pub target: String,
    /// The catalog's id of the service it would become.
    pub provider: String,
    /// The answers to the service's fields that are known.
    pub settings: BTreeMap<String, String>,
    /// The fields whose answers are still needed.
    pub asks: Vec<String>,
    /// The connection there is already, which would take these entries over.
    pub joins: Option<String>,
    /// The entries.
    pub entries: Vec<FoundEntryView>,
    /// The tokens that lie in plain text in them, each once.
    pub tokens: Vec<FoundTokenView>,
    /// What is to be known about it.
    pub notes: Vec<FoundNote>,
    /// Why it cannot be brought in, where it cannot.
    pub blocked: Option<FoundBlock>,
    /// Whether it holds a token in plain text that can be moved now: what "all" means.
    pub worthwhile: bool,
}

/// One entry of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct FoundEntryView {
    /// The app.
    pub client: String,
    /// For whom it counts there.
    pub scope: Scope,
    /// The file.
    pub path: String,
    /// Its name.
    pub entry: String,
    /// The go-between that it starts, `mcp-remote` for one.
    pub through: Option<String>,
    /// Whether the app's file says that it is switched off; it stays so.
    pub disabled: bool,
    /// Why it stays as it is, where it does.
    pub left: Option<FoundLeft>,
}

/// One token that lies in plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct FoundTokenView {
    /// The header or variable that holds it.
    pub name: String,
    /// Where it lies: the app, and the place in its entry (`env.API_TOKEN`).
    pub places: Vec<FoundPlaceView>,
}

/// A place where a token lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct FoundPlaceView {
    /// The app.
    pub client: String,
    /// The file.
    pub path: String,
    /// The entry.
    pub entry: String,
    /// The place in it.
    pub at: String,
}

/// Something to know about what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FoundNote {
    /// An entry names a variable in the token's place, or an input: its value is not in the file, so it has to be given.
    TokenElsewhere,
    /// A program of somebody's gives the headers; it would not be asked any more.
    HeadersHelper,
    /// The apps have tokens of their own; each keeps its own.
    DifferentTokens,
    /// The same service stands under another address too.
    OtherAddress,
    /// The entry has settings for a sign-in in the browser; they are not brought over.
    OwnSignIn,
    /// No token was found: if the app signs in by itself, bringing it in would take that away.
    NoToken,
    /// It names the older way of speaking to a service, which Patchbay does not speak.
    OldTransport,
    /// The token does not look like one of this service's.
    TokenShape,
}

/// Why an entry stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FoundLeft {
    /// An administrator set it.
    Managed,
    /// It stands in a folder's file that others use too.
    SharedFile,
    /// The app has it twice; the first one is brought in.
    Twice,
    /// The app would not read its file any more, or does not now.
    AppRefuses,
}

/// Why something cannot be brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FoundBlock {
    /// The address is not encrypted.
    AddressNotHttps,
    /// The token is a part of the address.
    AddressHasToken,
    /// What stands in the address's place is none.
    AddressInvalid,
    /// It sends several secrets, and not all of them stand in the file; or one header has two.
    SeveralSecrets,
    /// A header cannot be sent by Patchbay.
    Header,
    /// A token stands among the program's arguments or elsewhere, from where it cannot be taken.
    TokenInArguments,
    /// The token cannot be right.
    Token,
    /// A program without a token: nothing to take out of the file.
    NothingSecret,
    /// All its entries have to stay as they are.
    AllLeft,
    /// Neither an address nor a program can be told.
    Unclear,
}

/// What to bring in, and how.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Import {
    /// What was found, by its id.
    pub id: String,
    /// The connection's name; absent: the one suggested.
    pub name: Option<String>,
    /// Answers to the service's fields, beside those that are known.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// What copying an app's connections to another came to.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct Copied {
    /// What was placed, each its own change.
    pub done: Vec<Connected>,
    /// What could not be placed.
    pub left: Vec<LeftOut>,
}

/// A connection that cannot come along, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct LeftOut {
    /// The connection's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What is in the way.
    pub error: Error,
}

/// What was found of one group, under a name that is free; `joins` is the connection that it would become a part of.
pub(super) fn view(found: &Found, name: String, joins: Option<&Connection>) -> FoundView {
    let values = || found.members.iter().map(|member| &member.stands.value);
    let (provider, offer, target) = match &found.becomes {
        Becomes::Service(service) => (service.provider.id.clone(), service.offer.clone(), service.url.clone()),
        Becomes::Program(program) => (PROGRAM.to_owned(), catalog::Offer::default(), program.clone()),
        Becomes::Unclear => (PROGRAM.to_owned(), catalog::Offer::default(), String::new()),
    };
    let settings = offer.settings.into_iter().map(|(key, text)| (key, mask(&text, values()))).collect();
    FoundView {
        id: found.id.clone(),
        name: joins.map_or(name, |joined| joined.name.clone()),
        program: matches!(found.becomes, Becomes::Program(_)),
        origin: found.origin(),
        target: mask(&target, values()),
        provider,
        settings,
        asks: if joins.is_some() { Vec::new() } else { offer.asks },
        joins: joins.map(|joined| joined.id.clone()),
        entries: found.members.iter().map(entry_view).collect(),
        tokens: found.tokens.iter().map(|token| token_view(found, token)).collect(),
        notes: found.notes.iter().copied().collect(),
        blocked: found.blocked,
        worthwhile: found.is_worthwhile(),
    }
}

fn entry_view(member: &Member) -> FoundEntryView {
    let stands = &member.stands;
    FoundEntryView {
        client: stands.client.id.to_owned(),
        scope: stands.source.scope.clone(),
        path: stands.source.path.display().to_string(),
        entry: stands.entry.clone(),
        through: member.through.map(str::to_owned),
        disabled: read_entry(&stands.entry, &stands.value).disabled,
        left: stands.left,
    }
}

fn token_view(found: &Found, token: &Token) -> FoundTokenView {
    let place = |(member, at): &(usize, String)| {
        let stands = &found.members[*member].stands;
        FoundPlaceView {
            client: stands.client.id.to_owned(),
            path: stands.source.path.display().to_string(),
            entry: stands.entry.clone(),
            at: at.clone(),
        }
    };
    FoundTokenView { name: token.name.clone(), places: token.places.iter().map(place).collect() }
}
