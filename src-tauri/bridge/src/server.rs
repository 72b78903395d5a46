//! What kind of server answers, and how it is spoken to.
//!
//! An app of an older generation begins with `initialize`. A server that cannot answer that may speak only the newest
//! generation, which its answer to `server/discover` tells, or only 2024-11-05, which its answer to GET tells.

use std::sync::Arc;

use bytes::Bytes;
use patchbay_core::wire::{MODERN, Response, is_refusal, may_be_oldest};

use crate::answer::{Answer, bring, is_stream, refuse_compressed};
use crate::carry::{Carrier, origin};
use crate::channel::Channel;
use crate::envelope::Envelope;
use crate::message::Open;
use crate::newest::Newest;
use crate::object::Object;
use crate::trouble::Trouble;

/// The kinds of servers.
#[derive(Clone, Default)]
pub(crate) enum Server {
    /// Speaks the app's generation, over Streamable HTTP.
    #[default]
    Same,
    /// Speaks 2024-11-05, over a stream of its own.
    Channel(Arc<Channel>),
    /// Speaks only the newest generation, and the app an older one.
    Newest(Arc<Newest>),
}

/// Brings the answer to `initialize`, from whatever kind of server.
pub(crate) async fn begin(
    carrier: &Arc<Carrier>,
    response: Response,
    line: &Bytes,
    envelope: &Envelope,
    open: &mut Open,
) -> Result<(), Trouble> {
    if open.is_empty() {
        return bring(carrier, response, envelope, open).await;
    }
    let (id, origin) = (response.headers().get("mcp-session-id").cloned(), origin(&response));
    let is_heard = response.status().is_success() && is_stream(&response);
    let mut answer = if is_heard {
        Answer::heard(carrier, response, envelope).await?
    } else {
        if response.status().is_success() {
            refuse_compressed(&response)?;
        }
        Answer::read(carrier, response).await?
    };
    // What is asked next may need it. Nothing else is under way meanwhile.
    answer.place = None;
    if may_be_newest(&answer)
        && let Some(newest) = Newest::meet(carrier, line).await
    {
        carrier.bring(newest.answer_to_initialize(line), open).await;
        open.clear();
        carrier.set_server(Server::Newest(Arc::new(newest)));
        return Ok(());
    }
    if may_be_oldest(answer.status.as_u16(), answer.error_code())
        && let Some(channel) = Channel::open(carrier).await.unwrap_or_default()
    {
        carrier.set_server(Server::Channel(channel.clone()));
        return channel.deliver(carrier, line, open).await;
    }
    if answer.status.is_success() {
        carrier.session.set_id(id, origin);
    }
    answer.settle(carrier, envelope, open).await
}

/// Whether a server that answers `initialize` so may speak only the newest generation: it refuses, or it answers in a
/// revision that has no such request.
fn may_be_newest(answer: &Answer) -> bool {
    let version = || Object::of(&answer.body).and_then(|answer| answer.object("result").text("protocolVersion"));
    is_refusal(answer.status.as_u16())
        || answer.error_code().is_some()
        || version().is_some_and(|version| *version >= *MODERN)
}
