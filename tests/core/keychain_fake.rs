//! A keychain with one item that is always locked, and with a question that answers itself.
#![expect(
    clippy::unused_self,
    clippy::used_underscore_binding,
    clippy::needless_pass_by_value,
    reason = "the Secret Service's interface gives these signatures"
)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use zbus::blocking::{Connection, connection::Builder};
use zbus::object_server::SignalEmitter;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

const SERVICE: &str = "/org/freedesktop/secrets";
const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";
const ITEM: &str = "/org/freedesktop/secrets/collection/login/1";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/1";
const SESSION: &str = "/org/freedesktop/secrets/session/1";

struct Service;

struct Collection;

/// Dismissed at once, or left open for ever.
struct Prompt {
    dismissed: bool,
    asked: Arc<AtomicUsize>,
}

/// Serves it on a bus until dropped; counts how often it asks.
pub(super) fn serve(bus: &str, dismissed: bool, asked: &Arc<AtomicUsize>) -> zbus::Result<Connection> {
    Builder::address(bus)?
        .serve_at(SERVICE, Service)?
        .serve_at(COLLECTION, Collection)?
        .serve_at(PROMPT, Prompt { dismissed, asked: asked.clone() })?
        .name("org.freedesktop.secrets")?
        .build()
}

fn path(text: &'static str) -> OwnedObjectPath {
    ObjectPath::from_static_str_unchecked(text).into()
}

#[zbus::interface(name = "org.freedesktop.Secret.Service")]
impl Service {
    /// Nothing is ever sent over it, so any key does.
    fn open_session(&self, _algorithm: &str, input: Value<'_>) -> (OwnedValue, OwnedObjectPath) {
        (input.try_to_owned().expect("a value"), path(SESSION))
    }

    fn read_alias(&self, _name: &str) -> OwnedObjectPath {
        path(COLLECTION)
    }

    fn search_items(&self, _attributes: HashMap<String, String>) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        (Vec::new(), vec![path(ITEM)])
    }

    fn unlock(&self, _objects: Vec<OwnedObjectPath>) -> (Vec<OwnedObjectPath>, OwnedObjectPath) {
        (Vec::new(), path(PROMPT))
    }
}

#[zbus::interface(name = "org.freedesktop.Secret.Collection")]
impl Collection {
    #[zbus(property)]
    fn locked(&self) -> bool {
        true
    }
}

#[zbus::interface(name = "org.freedesktop.Secret.Prompt")]
impl Prompt {
    async fn prompt(&self, _window: &str, #[zbus(signal_emitter)] emitter: SignalEmitter<'_>) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.dismissed {
            Self::completed(&emitter, true, Value::from("")).await.expect("told");
        }
    }

    #[zbus(signal)]
    async fn completed(emitter: &SignalEmitter<'_>, dismissed: bool, result: Value<'_>) -> zbus::Result<()>;
}
