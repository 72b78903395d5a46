//! Those who vouch for the user where nobody signs in at the service itself: a company's identity provider (SEP-990), or
//! the platform on which Patchbay runs (SEP-1933).

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::OwnClient;
use super::bundle::{Client, Server, exposed, exposed_if_any};
use super::claims::Claims;
use crate::connection::{CompanyClient, Grant, SignIn};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// The longest proof that is read from a file, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// Who vouches for the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Voucher {
    /// The company's identity provider.
    Company(Company),
    /// The platform, in a file that it renews: read anew each time.
    File(PathBuf),
    /// The platform, by a proof that was handed over once.
    Assertion(Secret),
}

/// A company's identity provider, and who Patchbay is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Company {
    /// Its address (`OpenID` Connect's issuer).
    pub issuer: String,
    /// The client that it knows.
    pub client: OwnClient,
    /// The user's ID token; absent: they sign in there with the browser.
    pub id_token: Option<Secret>,
}

impl Voucher {
    /// The way to sign in that it is for.
    pub fn grant(&self) -> Grant {
        match self {
            Self::Company(_) => Grant::Company,
            Self::File(_) | Self::Assertion(_) => Grant::Platform,
        }
    }

    /// Who vouched at a sign-in of which only the facts are left, without a secret; nobody where those do not say.
    pub fn again(facts: &SignIn) -> Option<Self> {
        let known = facts.voucher.as_ref()?;
        match facts.grant {
            Grant::Company => {
                let client = OwnClient { id: facts.at_company.as_ref()?.id.clone(), secret: None };
                Some(Self::Company(Company { issuer: known.clone(), client, id_token: None }))
            }
            Grant::Platform => Some(Self::File(PathBuf::from(known))),
            Grant::AuthorizationCode | Grant::ClientCredentials => None,
        }
    }
}

/// What is kept of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Vouched {
    Company(AtCompany),
    File {
        path: PathBuf,
        /// The digest of what the service refused: until something else stands there, it need not be asked again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    Assertion(#[serde(serialize_with = "exposed")] Secret),
}

/// What a company's identity provider gave, and to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct AtCompany {
    pub(super) server: Server,
    pub(super) client: Client,
    #[serde(serialize_with = "exposed")]
    pub(super) id_token: Secret,
    /// What renews the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "exposed_if_any")]
    pub(super) refresh: Option<Secret>,
}

impl AtCompany {
    pub(super) fn has_good_token(&self, now: Timestamp) -> bool {
        is_good(&self.id_token, now)
    }
}

impl Vouched {
    /// Whether it can vouch once more without a person; after the service refused, only by something new.
    pub(super) fn renews(&self, now: Timestamp, is_over: bool) -> bool {
        match self {
            Self::Company(company) => !is_over && (company.refresh.is_some() || company.has_good_token(now)),
            Self::File { .. } => true,
            Self::Assertion(assertion) => !is_over && is_good(assertion, now),
        }
    }

    /// The same after the service has refused it.
    pub(super) fn refused(self) -> Self {
        match self {
            Self::File { path, .. } => {
                let refused = read_file(&path).ok().map(|assertion| digest(&assertion));
                Self::File { path, refused }
            }
            other => other,
        }
    }

    /// Who it is, for people: an address or a file.
    pub(super) fn name(&self) -> Option<String> {
        match self {
            Self::Company(company) => company.server.issuer.clone(),
            Self::File { path, .. } => Some(path.display().to_string()),
            Self::Assertion(_) => None,
        }
    }

    /// Who Patchbay is at the company, where one vouches.
    pub(super) fn client(&self) -> Option<CompanyClient> {
        match self {
            Self::Company(AtCompany { client, .. }) => {
                Some(CompanyClient { id: client.id.clone(), has_secret: client.secret.is_some() })
            }
            Self::File { .. } | Self::Assertion(_) => None,
        }
    }

    pub(super) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Company(company) => {
                let all = [Some(&company.id_token), company.refresh.as_ref(), company.client.secret.as_ref()];
                all.into_iter().flatten().collect()
            }
            Self::File { .. } => Vec::new(),
            Self::Assertion(assertion) => vec![assertion],
        }
    }
}

fn is_good(statement: &Secret, now: Timestamp) -> bool {
    Claims::read(statement).is_some_and(|claims| claims.is_good(now))
}

pub(super) fn digest(assertion: &Secret) -> String {
    let hash = Sha256::digest(assertion.expose().as_bytes());
    hash.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// What stands in the platform's file.
///
/// # Errors
/// It cannot be read, is no file, or what stands in it is none of a platform's.
pub(super) fn read_file(path: &Path) -> Result<Secret> {
    use std::io::Read;
    let unreadable = |error| unreadable(path, &error);
    let unfit = || of_file(Code::SignInRefused, "What stands in this file is no proof of who you are (JWT)", path);
    let file = open(path).map_err(unreadable)?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(of_file(Code::FileNotRegular, "This is no file that could hold the platform's proof", path));
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = zeroize::Zeroizing::new(String::from_utf8(bytes).map_err(|_| unfit())?);
    let assertion = Secret::new(text.trim());
    let is_proof = text.len() as u64 <= MOST_BYTES && Claims::read(&assertion).is_some();
    is_proof.then_some(assertion).ok_or_else(unfit)
}

/// Opens it without waiting for whoever may write to it, as a pipe would.
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => of_file(Code::Io, "The file with the platform's proof is not there", path),
        // Of the folders on the way.
        std::io::ErrorKind::NotADirectory => {
            of_file(Code::FileNotRegular, "The file with the platform's proof is not there", path)
        }
        _ => Error::io(path, error),
    }
}

fn of_file(code: Code, said: &str, path: &Path) -> Error {
    Error::new(code, format!("{said}: {}", path.display())).at(path).hint("Look at what writes the file.")
}
