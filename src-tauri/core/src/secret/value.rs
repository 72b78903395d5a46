//! A secret in memory.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A token or passphrase.
///
/// Has no `Serialize` and no `Display`; `Debug` prints `***`; memory is wiped on drop. Read it with
/// [`Secret::expose`] at the moment of use and nowhere else.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes ownership of a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value. Every call is a place to look at in a review.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    /// Twelve hex digits that tell two secrets apart without telling what they are.
    ///
    /// `salt` is the installation's own random value, so that fingerprints of two computers cannot be compared.
    pub fn fingerprint(&self, salt: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(salt.as_bytes());
        hash.update([0]);
        hash.update(self.expose().as_bytes());
        hash.finalize().iter().take(6).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
