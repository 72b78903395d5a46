//! The secrets of a program, for `patchbay run`: read at its start, into the environment of that one process.

use super::token::{key, missing};
use crate::connection::Connection;
use crate::error::{Code, Error, Result};
use crate::oauth;
use crate::secret::{Secret, SecretStore};

/// Variables with their values.
pub type RunSecrets = Vec<(String, Secret)>;

/// Reads what a program is to have in its environment.
///
/// # Errors
/// The connection is no program; it has no token; the keychain does not answer.
pub fn run_secrets(secrets: &SecretStore, connection: &Connection) -> Result<RunSecrets> {
    if !connection.is_program() {
        return Err(Error::new(Code::WiringUnsupported, format!("{} is a service, not a program.", connection.name))
            .hint(format!("Its apps start it with: patchbay bridge {}", connection.id)));
    }
    let mut all = RunSecrets::new();
    for credential in &connection.credentials {
        let Some(variable) = &credential.variable else { continue };
        let secret = secrets.read_blocking(&key(connection, credential)?)?.ok_or_else(|| missing(connection))?;
        oauth::check_token(&secret)?;
        all.push((variable.clone(), secret));
    }
    if all.is_empty() { Err(missing(connection)) } else { Ok(all) }
}
