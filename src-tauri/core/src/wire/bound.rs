//! Keys to which tokens are bound, and the proof that each request then carries (RFC 9449).
//!
//! A bound token is of no use to who has the token alone: every request has to show that whoever sends it holds the key.
//! A proof is made when its request is sent and never again used. What servers say of proofs, a nonce to put into them and
//! the time that they go by, is kept for each origin while the key is in memory. The private key stands in the keychain
//! beside its token and nowhere else; nothing here shows it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use sha2::{Digest, Sha256};
use url::Url;
use zeroize::Zeroizing;

use super::base64::{base64, from_base64};
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

/// The kind of signature, as metadata name it: ECDSA on P-256 with SHA-256.
pub const ALGORITHM: &str = "ES256";
/// The header that carries a proof.
pub(super) const PROOF: HeaderName = HeaderName::from_static("dpop");
const NONCE: &str = "dpop-nonce";
/// So many seconds two clocks may differ before it is minded; servers take proofs of some minutes ago.
const SAME_TIME: i64 = 30;

/// A key to which tokens are bound; cheap to clone. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct BoundKey(Arc<Inner>);

struct Inner {
    pair: EcdsaKeyPair,
    /// The header that all its proofs have.
    head: String,
    thumbprint: String,
    /// What the servers of each origin have said.
    heard: Mutex<Vec<(String, Heard)>>,
}

/// What a server has said of proofs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// What it wants to see in the next proof.
    nonce: Option<String>,
    /// So many seconds its clock is ahead of this computer's.
    ahead: i64,
}

/// The proof of one request, and what had been heard when it was made.
pub(super) struct Proof {
    pub(super) header: HeaderValue,
    heard: Heard,
}

impl std::fmt::Debug for BoundKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BoundKey(***)")
    }
}

impl PartialEq for BoundKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.thumbprint == other.0.thumbprint
    }
}

impl BoundKey {
    /// A new key.
    ///
    /// # Errors
    /// `Internal` where the system gives no random numbers.
    pub fn generate() -> Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self::of(pair.map_err(|_| Error::new(Code::Internal, "No key can be made for the sign-in."))?)
    }

    /// The key that [`Self::secret`] wrote.
    ///
    /// # Errors
    /// `Internal` where it is none.
    pub fn read(secret: &Secret) -> Result<Self> {
        let damaged = || Error::new(Code::Internal, "The key of the sign-in is damaged.").hint("Sign in again.");
        let bytes = Zeroizing::new(from_base64(secret.expose()).ok_or_else(damaged)?);
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes);
        Self::of(pair.map_err(|_| damaged())?)
    }

    fn of(pair: EcdsaKeyPair) -> Result<Self> {
        let unfit = || Error::new(Code::Internal, "The key of the sign-in cannot be used.");
        // Uncompressed: a mark and the two coordinates.
        let point = pair.public_key().as_ref();
        let (Some(x), Some(y)) = (point.get(1..33), point.get(33..65)) else { return Err(unfit()) };
        let (x, y) = (base64url(x), base64url(y));
        // RFC 7638: these members in this order, without blanks.
        let jwk = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let head = format!(r#"{{"typ":"dpop+jwt","alg":"{ALGORITHM}","jwk":{jwk}}}"#);
        let inner = Inner {
            head: base64url(head.as_bytes()),
            thumbprint: base64url(&Sha256::digest(jwk.as_bytes())),
            heard: Mutex::default(),
            pair,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The private key, for the keychain.
    ///
    /// # Errors
    /// `Internal` where it cannot be written.
    pub fn secret(&self) -> Result<Secret> {
        let document = self.0.pair.to_pkcs8v1();
        let document = document.map_err(|_| Error::new(Code::Internal, "The key of the sign-in cannot be written."))?;
        Ok(Secret::new(base64(document.as_ref())))
    }

    /// By what others know it (RFC 7638).
    pub fn thumbprint(&self) -> &str {
        &self.0.thumbprint
    }

    /// A proof for a request, which a token goes along with or is asked for by; `None` where it cannot be signed, which the
    /// server then minds.
    pub(super) fn proof(&self, method: &Method, url: &Url, token: Option<&Secret>) -> Option<Proof> {
        let heard = self.heard(url);
        let mut place = url.clone();
        place.set_query(None);
        place.set_fragment(None);
        let mut id = [0; 16];
        getrandom::fill(&mut id).ok()?;
        let mut claims = serde_json::json!({
            "jti": base64url(&id),
            "htm": method.as_str(),
            "htu": place.as_str(),
            "iat": Timestamp::now().as_second() + heard.ahead,
        });
        if let Some(token) = token {
            claims["ath"] = base64url(&Sha256::digest(token.expose().as_bytes())).into();
        }
        if let Some(nonce) = &heard.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        let said = format!("{}.{}", self.0.head, base64url(claims.to_string().as_bytes()));
        let signature = self.0.pair.sign(&SystemRandom::new(), said.as_bytes()).ok()?;
        let mut header = HeaderValue::from_str(&format!("{said}.{}", base64url(signature.as_ref()))).ok()?;
        header.set_sensitive(true);
        Some(Proof { header, heard })
    }

    /// Takes in what an answer says of proofs; whether it refuses a request that another proof may be taken for.
    pub(super) fn hear(&self, url: &Url, proof: &Proof, status: StatusCode, headers: &HeaderMap) -> bool {
        let mut all = self.all_heard();
        let heard = entry(&mut all, url);
        if let Some(nonce) = headers.get(NONCE).and_then(|nonce| nonce.to_str().ok()) {
            heard.nonce = Some(nonce.to_owned());
        }
        if [StatusCode::UNAUTHORIZED, StatusCode::BAD_REQUEST].contains(&status)
            && let Some(ahead) = ahead(headers, Timestamp::now())
            && (ahead - heard.ahead).abs() > SAME_TIME
        {
            heard.ahead = if ahead.abs() > SAME_TIME { ahead } else { 0 };
        }
        status == StatusCode::UNAUTHORIZED && *heard != proof.heard
    }

    /// What the server of an address has said so far.
    pub(crate) fn heard(&self, url: &Url) -> Heard {
        entry(&mut self.all_heard(), url).clone()
    }

    fn all_heard(&self) -> MutexGuard<'_, Vec<(String, Heard)>> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is kept for an address; servers give nonces for themselves alone.
fn entry<'a>(all: &'a mut Vec<(String, Heard)>, url: &Url) -> &'a mut Heard {
    let origin = url.origin().ascii_serialization();
    let at = all.iter().position(|(known, _)| *known == origin).unwrap_or_else(|| {
        all.push((origin, Heard::default()));
        all.len() - 1
    });
    &mut all[at].1
}

/// How many seconds the clock of who answered is ahead.
fn ahead(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let said = headers.get(DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(said).ok()?.timestamp().as_second() - now.as_second())
}

/// Base64 as it stands in addresses and tokens, without padding (RFC 7515, 2).
fn base64url(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}
