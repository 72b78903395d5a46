//! What is known of a session with a server of the older generations.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use patchbay_core::wire::header::{HeaderMap, HeaderValue};

/// The session, shared by all requests.
#[derive(Debug, Default)]
pub(crate) struct Session(Mutex<Known>);

#[derive(Debug, Default, Clone)]
struct Known {
    id: Option<HeaderValue>,
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

    pub(crate) fn set_id(&self, id: Option<HeaderValue>) {
        self.with(|known| known.id = id);
    }

    pub(crate) fn id(&self) -> Option<HeaderValue> {
        self.with(|known| known.id.clone())
    }

    /// Learns the revision from the answer to `initialize`.
    pub(crate) fn learn_version(&self, answer: &[u8]) {
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
        self.with(|known| known.version = version.or_else(|| known.version.take()));
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
