//! Begins a session anew, unseen by the app: where the server has forgotten it, or the service is elsewhere by now.

use std::sync::Arc;

use bytes::Bytes;
use patchbay_core::wire::Response;
use patchbay_core::wire::header::HeaderValue;

use crate::INITIALIZED;
use crate::answer::{hear, words};
use crate::carry::{Carrier, origin};
use crate::envelope::Envelope;
use crate::message::Open;
use crate::trouble::Trouble;
use crate::wait;

/// The service forgot the session, and why that could not be hidden.
pub(crate) fn session_ended(why: &str) -> Trouble {
    Trouble::new("session_ended", format!("The service ended the session.{why}"))
}

impl Carrier {
    /// The service is elsewhere: begins a session there, once for all that found it out.
    async fn follow(self: &Arc<Self>) -> Result<(), Trouble> {
        let _beginning = self.beginning.lock().await;
        let way = self.ways.get().await?;
        if self.session.is_at(&way.endpoint.origin()) { Ok(()) } else { self.begin_anew().await }
    }

    /// The server has forgotten a session: begins a new one with the app's own words, unseen by the app.
    pub(crate) async fn begin_again(self: &Arc<Self>, forgotten: &HeaderValue) -> Result<(), Trouble> {
        let _beginning = self.beginning.lock().await;
        if self.session.id().as_ref() != Some(forgotten) {
            return Ok(());
        }
        self.begin_anew().await
    }

    /// Posts a message; where the way leads to another place than the session's by now, begins one there before.
    pub(crate) async fn post_here(self: &Arc<Self>, line: &Bytes, envelope: &Envelope) -> Result<Response, Trouble> {
        match self.post(line, envelope).await {
            Err(trouble) if trouble.is_of_session() => {
                self.follow().await?;
                self.post(line, envelope).await
            }
            other => other,
        }
    }

    /// Begins a session with the app's own words.
    async fn begin_anew(self: &Arc<Self>) -> Result<(), Trouble> {
        let Some(initialize) = self.session.initialize() else { return Err(session_ended(" Restart the app.")) };
        let envelope = Envelope::of(&initialize);
        let response = self.post(&initialize, &envelope).await?;
        if !response.status().is_success() {
            return Err(Trouble::status(response.status().as_u16(), "", wait::asked(&response)));
        }
        let (id, origin) = (response.headers().get("mcp-session-id").cloned(), origin(&response));
        let answer = hear(self, response, &mut Open::new(envelope.ids().to_vec())).await?;
        if !self.session.learn_version(&answer) {
            return Err(session_ended(&format!(" It does not begin a new one: {}", words(self, &answer))));
        }
        self.session.set_id(id, origin);
        let initialized = Bytes::from_static(INITIALIZED);
        let response = self.post(&initialized, &Envelope::of(&initialized)).await?;
        drop(response);
        self.start_listening();
        Ok(())
    }
}
