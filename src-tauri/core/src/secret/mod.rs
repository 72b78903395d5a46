//! Secrets: the value itself, where it is kept, and keeping it out of texts.
//!
//! A [`SecretStore`] is the system's keychain or, where the user chose it, the passphrase vault; never a silent
//! fallback from one to the other. Calls run off the async threads with a time limit. Absent, locked and refused are
//! three different answers, told by the error's type and never by its text.

mod bus;
#[cfg(target_os = "linux")]
mod item;
mod keychain;
#[cfg(target_os = "linux")]
mod linux;
mod marked;
mod notice;
mod parts;
mod plaintext;
mod redact;
mod store;
mod value;
mod vault;

pub use bus::{bus_to_adopt, record_session_bus};
pub(crate) use marked::{is_behind_masks, is_marked, is_same, marked, masked};
pub use plaintext::{Finding, find_plaintext, mask};
pub(crate) use plaintext::{is_secret_header, plaintext_literals};
pub(crate) use redact::{MASK, is_token_name, looks_like_token, mask_all, redact_with};
pub use redact::{RedactingWriter, redact};
pub use store::{Backend, Key, SecretStore, StoreStatus};
pub use value::Secret;
pub use vault::{Vault, vault_exists};
