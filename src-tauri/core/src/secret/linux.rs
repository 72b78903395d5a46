//! What Linux's Secret Service says, told apart by type and D-Bus error name.

use std::collections::HashMap;

use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error as ServiceError};
use zbus::blocking::Connection;

use super::item::{self, Session, Unread};
use super::keychain::{absent, failed, locked, refused};
use crate::error::{Error, Result};

/// Asks whether the default collection is there and unlocked; never prompts.
pub(super) fn look() -> Result<()> {
    // Nothing secret goes over this session, so it need not be encrypted.
    look_at(&SecretService::connect(EncryptionType::Plain).map_err(|error| explain(&error))?)
}

/// Reads an item as the keyring store writes it, over one connection and without any prompt: a bridge waits for this
/// at each of its starts.
pub(super) fn read(service: &str, user: &str) -> Result<Option<Vec<u8>>> {
    let bus = Connection::session().map_err(|error| explain_unread(&error.into()))?;
    let attributes = HashMap::from([("service", service), ("username", user)]);
    let (found, session) = std::thread::scope(|scope| {
        let session = scope.spawn(|| Session::open(&bus));
        (item::search(&bus, &attributes), session.join().unwrap_or(Err(Unread::Garbled)))
    });
    let found = found.map_err(|error| explain_unread(&error))?;
    match (found.unlocked.first(), found.locked.is_empty()) {
        (Some(item), _) => {
            session.and_then(|session| session.read(&bus, item)).map(Some).map_err(|error| explain_unread(&error))
        }
        (None, false) => Err(locked()),
        (None, true) => look().map(|()| None),
    }
}

fn explain_unread(error: &Unread) -> Error {
    let known = match error {
        Unread::Bus(error) => classify_bus(error),
        Unread::Garbled => None,
    };
    known.unwrap_or_else(failed)
}

fn explain(error: &ServiceError) -> Error {
    classify_service(error).unwrap_or_else(failed)
}

fn look_at(service: &SecretService<'_>) -> Result<()> {
    match service.get_default_collection() {
        Ok(collection) if collection.is_locked().map_err(|error| explain(&error))? => Err(locked()),
        // No collection yet: the first write makes one.
        Ok(_) | Err(ServiceError::NoResult) => Ok(()),
        Err(error) => Err(explain(&error)),
    }
}

/// The front door's error for a cause, where it is one of the three.
pub(super) fn classify(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Error> {
    classify_service(cause.downcast_ref::<ServiceError>()?)
}

fn classify_service(error: &ServiceError) -> Option<Error> {
    match error {
        ServiceError::Locked => Some(locked()),
        ServiceError::Prompt => Some(refused()),
        ServiceError::Unavailable => Some(absent()),
        ServiceError::Zbus(error) => classify_bus(error),
        ServiceError::ZbusFdo(error) => classify_fdo(error),
        _ => None,
    }
}

fn classify_bus(error: &zbus::Error) -> Option<Error> {
    match error {
        // No address, nobody listening at it, or no such socket.
        zbus::Error::InputOutput(_)
        | zbus::Error::Connection(..)
        | zbus::Error::Address(_)
        | zbus::Error::Unsupported
        | zbus::Error::Handshake(_) => Some(absent()),
        zbus::Error::FDO(error) => classify_fdo(error),
        zbus::Error::MethodError(name, ..) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.NotSupported"
            | "org.freedesktop.DBus.Error.FileNotFound"
            | "org.freedesktop.DBus.Error.Spawn.ServiceNotFound" => Some(absent()),
            "org.freedesktop.Secret.Error.IsLocked" => Some(locked()),
            "org.freedesktop.DBus.Error.AccessDenied" => Some(refused()),
            _ => None,
        },
        _ => None,
    }
}

fn classify_fdo(error: &zbus::fdo::Error) -> Option<Error> {
    use zbus::fdo::Error as Fdo;
    match error {
        Fdo::ServiceUnknown(_)
        | Fdo::NameHasNoOwner(_)
        | Fdo::NotSupported(_)
        | Fdo::FileNotFound(_)
        | Fdo::NoServer(_) => Some(absent()),
        Fdo::AccessDenied(_) => Some(refused()),
        Fdo::ZBus(error) => classify_bus(error),
        _ => None,
    }
}
