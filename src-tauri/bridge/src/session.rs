//! What is known of a session with a server of the older generations.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use patchbay_core::wire::header::{ACCEPT, HeaderMap, HeaderValue};

/// The session, shared by all requests.
#[derive(Debug, Default)]
pub(crate) struct Session(Mutex<Known>);

#[derive(Debug, Default, Clone)]
struct Known {
    id: Option<HeaderValue>,
    /// The origin at which it was begun.
    origin: Option<String>,
    version: Option<HeaderValue>,
    initialize: Option<Bytes>,
}

impl Session {
    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers the app's `initialize`, to begin again where the server forgets the session.
    pub(crate) fn begin(&self, initialize: Bytes) {
        self.with(|known| *known = Known { initialize: Some(initialize), ..Known::default() });
    }

    pub(crate) fn initialize(&self) -> Option<Bytes> {
        self.with(|known| known.initialize.clone())
    }

    /// Remembers the name that the server at an origin gave it, if it gave one.
    pub(crate) fn set_id(&self, id: Option<HeaderValue>, origin: String) {
        self.with(|known| (known.id, known.origin) = (id, Some(origin)));
    }

    /// Whether it was begun at this origin, as far as is known.
    pub(crate) fn is_at(&self, origin: &str) -> bool {
        self.with(|known| known.origin.as_deref().is_none_or(|own| own == origin))
    }

    pub(crate) fn id(&self) -> Option<HeaderValue> {
        self.with(|known| known.id.clone())
    }

    /// Learns the revision from the answer to `initialize`; whether it tells one.
    pub(crate) fn learn_version(&self, answer: &[u8]) -> bool {
        #[derive(serde::Deserialize)]
        struct Answer {
            result: Result,
        }
        #[derive(serde::Deserialize)]
        struct Result {
            #[serde(rename = "protocolVersion")]
            version: String,
        }
        let version = serde_json::from_slice::<Answer>(answer).ok().map(|answer| answer.result.version);
        let version = version.and_then(|version| HeaderValue::from_str(&version).ok());
        let tells = version.is_some();
        self.with(|known| known.version = version.or_else(|| known.version.take()));
        tells
    }

    /// The headers that ask for a stream of events, from the one after `last` on.
    pub(crate) fn listening(&self, last: Option<&HeaderValue>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        self.headers(&mut headers);
        if let Some(last) = last {
            headers.insert("last-event-id", last.clone());
        }
        headers
    }

    /// Adds the session's headers.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        self.with(|known| {
            if let Some(id) = &known.id {
                headers.insert("mcp-session-id", id.clone());
            }
            if let Some(version) = &known.version {
                headers.insert("mcp-protocol-version", version.clone());
            }
        });
    }
}
