//! The services Patchbay knows, as data.
//!
//! One JSON file per service under `catalog/`, built in and checked by tests. Facts carry their sources and the day
//! they were looked up; every address can be changed by the user.

mod address;
mod beside;
mod headers;
mod offer;
mod refusal;
mod resolve;
mod shape;
mod sign_in;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use address::{check_address, check_page};
pub(crate) use address::{is_loopback, may_lead_to};
pub use beside::{Beside, SecretField, TokenRule};
pub(crate) use offer::{Offer, custom, offer};
pub use refusal::Refusal;
pub use resolve::Resolved;
pub use shape::{Shape, foreign_service};
pub use sign_in::{Offered, OwnClientRule, Server, SignInOffer, Suits};

use crate::connection::PROGRAM;
use crate::error::{Code, Error, Result};

/// Values by key that make a field or header apply; several values of one key are alternatives.
pub type When = BTreeMap<String, Vec<String>>;

/// One kind of service.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Provider {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// One or two letters for its mark.
    pub mark: String,
    /// What it is good for, in one sentence.
    pub about: String,
    /// The day on which the facts were looked up.
    #[ts(skip)]
    pub verified_on: String,
    /// How sure they are: `documented` by the service, or our `own`.
    #[ts(skip)]
    pub confidence: String,
    /// Where they are from.
    #[ts(skip)]
    pub sources: Vec<String>,
    /// The endpoint's address, with `{keys}`.
    #[ts(skip)]
    pub address: String,
    /// What the user is asked.
    pub fields: Vec<Field>,
    /// How a pasted address is taken apart into fields.
    #[serde(default)]
    #[ts(skip)]
    pub take_apart: Option<TakeApart>,
    /// The header that carries the token, with `{keys}`; `Authorization: Bearer` where absent.
    #[serde(default)]
    #[ts(skip)]
    pub auth: Option<crate::connection::AuthHeader>,
    /// Further headers.
    #[serde(default)]
    #[ts(skip)]
    pub headers: Vec<HeaderRule>,
    /// The field that holds further headers, one a line.
    #[serde(default)]
    #[ts(skip)]
    pub header_lines: Option<String>,
    /// The field that holds further headers that carry the token, one a line: a name, or a name and what stands before.
    #[serde(default)]
    #[ts(skip)]
    pub token_lines: Option<String>,
    /// Headers that go along with the token, each with a secret of its own.
    #[serde(default)]
    #[ts(skip)]
    pub beside: Vec<Beside>,
    /// The field that holds more of those, one a line: a name, or a name and what stands before the secret.
    #[serde(default)]
    #[ts(skip)]
    pub beside_lines: Option<String>,
    /// The service's own API, for reference.
    #[serde(default)]
    #[ts(skip)]
    pub api_base: Option<String>,
    /// What its tokens look like.
    pub token: TokenRule,
    /// Whether people can sign in instead.
    #[serde(default)]
    pub sign_in: Option<SignInOffer>,
    /// A name for the token, with `{app}`.
    pub token_name: String,
    /// The permissions a token can have, in the service's order.
    pub scopes: Vec<Scope>,
    /// Useful choices of them.
    pub presets: Vec<Preset>,
    /// How long a token lasts.
    pub lifetime: Lifetime,
    /// Pages to open, with `{keys}`.
    pub pages: Pages,
    /// How a token is made, step by step, with `{token_name}`.
    pub steps: Vec<String>,
    /// How a token is revoked, step by step.
    pub revoke_steps: Vec<String>,
    /// One token for all apps, or one for each?
    pub advice: Advice,
    /// What does not work, and what must be switched on.
    pub limits: Vec<String>,
    /// What is likely missing when a call is not allowed.
    #[serde(default)]
    pub forbidden_hint: Option<String>,
    /// A tool that only reads, to be called by the check.
    #[serde(default)]
    #[ts(skip)]
    pub read_only_tool: Option<ToolCall>,
    /// Why the check calls none, where there is a reason.
    #[serde(default)]
    #[ts(skip)]
    pub no_read_only_tool: Option<String>,
    /// What refusals mean at this service; the first that fits is told.
    #[serde(default)]
    #[ts(skip)]
    pub refusals: Vec<Refusal>,
}

/// One question of a service's form.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Field {
    /// Its key in the settings.
    pub key: String,
    /// The question.
    pub label: String,
    /// A sentence of help.
    #[serde(default)]
    pub hint: Option<String>,
    /// What kind of answer it takes.
    pub kind: FieldKind,
    /// Whether it needs an answer, where it applies.
    pub required: bool,
    /// The answer to begin with. One with `{keys}` is not filled in: it stands for whatever the other answers come to.
    #[serde(default)]
    pub default: Option<String>,
    /// The answers to choose from.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// Whether most people never need it.
    #[serde(default)]
    pub advanced: bool,
    /// When it applies; always where empty.
    #[serde(default)]
    pub when: When,
    /// Other keys under which an answer is taken.
    #[serde(default)]
    #[ts(skip)]
    pub aliases: Vec<String>,
    /// What the answer must look like.
    #[serde(default)]
    #[ts(skip)]
    pub pattern: Option<Pattern>,
}

/// Kinds of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum FieldKind {
    /// A line of text.
    Text,
    /// One of the choices.
    Choice,
    /// An address.
    Address,
    /// Several lines.
    List,
}

/// What an answer must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Letters, digits, hyphens: part of a host's name.
    Name,
    /// One segment of an address's path.
    Segment,
    /// A GUID.
    Guid,
    /// A host's name.
    Host,
    /// A header's name.
    Header,
    /// An e-mail address or a user name.
    User,
}

/// One answer to choose.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Choice {
    /// Its value in the settings.
    pub value: String,
    /// Its words.
    pub label: String,
    /// What it stands for in templates.
    #[serde(default)]
    #[ts(skip)]
    pub vars: BTreeMap<String, String>,
}

/// How a pasted address is taken apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeApart {
    /// The field it is pasted into.
    pub key: String,
    /// The path, with `{keys}` for whole segments.
    pub path: String,
    /// The field that gets the host.
    pub host: String,
}

/// A header that is sent with every request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderRule {
    /// Its name.
    pub name: String,
    /// Its value, with `{keys}`.
    pub value: String,
    /// When it is sent.
    #[serde(default)]
    pub when: When,
}

/// One permission.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Scope {
    /// As the service writes it.
    pub value: String,
    /// In words.
    pub label: String,
    /// The group it stands in.
    #[serde(default)]
    pub group: Option<String>,
    /// Whether it opens personal data.
    #[serde(default)]
    pub personal: bool,
}

/// A useful choice of permissions.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Preset {
    /// Its id.
    pub id: String,
    /// Its words.
    pub label: String,
    /// What it means.
    #[serde(default)]
    pub about: Option<String>,
    /// The permissions, in the order to give them.
    pub scopes: Vec<String>,
    /// Whether it is the one to begin with.
    #[serde(default)]
    pub recommended: bool,
}

/// How long a service's tokens last, in days.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct Lifetime {
    /// Whether every token has an end.
    pub required: bool,
    /// The shortest.
    pub min_days: Option<u16>,
    /// The longest.
    pub max_days: Option<u16>,
    /// What is suggested.
    pub suggested_days: Option<u16>,
}

/// Pages to open.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct Pages {
    /// Where a token is made.
    pub create: Option<String>,
    /// Where a token is revoked.
    pub revoke: Option<String>,
    /// The service's own help.
    pub docs: Option<String>,
}

/// One token for all apps, or one for each?
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
#[ts(export)]
pub struct Advice {
    /// Whether the service recommends one for each.
    pub per_app: bool,
    /// In words.
    pub text: Option<String>,
}

/// A call of a tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments, an object.
    pub arguments: serde_json::Value,
    /// The one to call where this one is not offered or not allowed.
    #[serde(default)]
    pub or_else: Option<Box<ToolCall>>,
}

impl Provider {
    /// Whether the service cannot be used without a token.
    pub fn needs_token(&self) -> bool {
        self.token.needed
    }
}

const PACKS: [&str; 8] = [
    include_str!("../../catalog/xurrent.json"),
    include_str!("../../catalog/retently.json"),
    include_str!("../../catalog/uipath.json"),
    include_str!("../../catalog/atlassian.json"),
    include_str!("../../catalog/sentry.json"),
    include_str!("../../catalog/datadog.json"),
    include_str!("../../catalog/custom.json"),
    include_str!("../../catalog/practice.json"),
];

static ALL: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    PACKS.iter().map(|pack| serde_json::from_str(pack).expect("the built-in packs are checked by a test")).collect()
});

/// What stands in a service's place for programs that apps start. Nobody chooses it, so it is in no list.
static PROGRAM_PACK: LazyLock<Provider> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../catalog/program.json")).expect("the built-in packs are checked by a test")
});

/// All services, in the order in which they are shown.
pub fn all() -> &'static [Provider] {
    &ALL
}

/// A service by id.
///
/// # Errors
/// `UnknownProvider`, naming the services there are.
pub fn find(id: &str) -> Result<&'static Provider> {
    if id == PROGRAM {
        return Ok(&PROGRAM_PACK);
    }
    all().iter().find(|provider| provider.id == id).ok_or_else(|| {
        let known: Vec<_> = all().iter().map(|provider| provider.id.as_str()).collect();
        Error::new(Code::UnknownProvider, format!("Patchbay knows no service \"{id}\"."))
            .hint(format!("Use one of: {}.", known.join(", ")))
    })
}
