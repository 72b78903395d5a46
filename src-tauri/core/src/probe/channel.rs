//! A server of revision 2024-11-05, which the bridge carries as well: a stream names the place that messages are posted
//! to, and their answers come on it.
//!
//! Nobody is asked for such a stream who does not refuse `initialize` as such a server would, and what opens none stays
//! what it is. One question is asked at a time, so nothing reads the stream meanwhile.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::events::Events;
use super::http::{Body, NoReply, Reply, body, head, is_stream};
use super::line::Line;
use super::{Cause, LayerKind, Limits, Stop, judge};
use crate::wire::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use crate::wire::{Client, Endpoint, Method, Response, is_compressed, may_be_oldest};

/// How long a server may take to open its stream and to name its place; the bridge waits no longer.
const NAMING: Duration = Duration::from_secs(5);

/// A stream with its place to post to, at the origin that the token is for.
pub(super) struct Channel {
    place: Endpoint,
    events: Events,
}

/// What came of asking for a stream.
pub(super) enum Opened {
    /// There is none: it is no such server.
    Nothing,
    /// Nobody gets one without being allowed to.
    Refused(Box<Reply>),
    /// One that names no place.
    Unnamed(Stop),
    /// One whose place nothing can be posted to.
    Astray(Stop),
    /// One that works.
    Channel(Box<Channel>),
}

/// Whether a server of 2024-11-05 would answer `initialize` so.
pub(super) fn may_be_meant(reply: &Reply) -> bool {
    may_be_oldest(reply.status, reply.error().map(|(code, _)| code))
}

impl Channel {
    /// Asks for a stream, and waits until it names its place.
    pub(super) async fn open(client: &Client, endpoint: &Endpoint, limits: &Limits) -> Opened {
        let patience = NAMING.min(limits.exchange);
        let deadline = Instant::now() + patience;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let asked = timeout_at(deadline, client.send(endpoint, Method::GET, None, &headers)).await;
        let Ok(Ok(response)) = asked else { return Opened::Nothing };
        if matches!(response.status().as_u16(), 401 | 403) {
            return refused(response, endpoint, limits, patience).await;
        }
        if !response.status().is_success() || !is_stream(&response) {
            return Opened::Nothing;
        }
        if is_compressed(&response) {
            return Opened::Unnamed(because(Cause::Compressed));
        }
        let at = response.url().clone();
        let mut events = Events::of(response, limits.body);
        let place = match place(&mut events, deadline).await {
            Ok(place) => place,
            Err(stop) => return Opened::Unnamed(stop),
        };
        let Ok(there) = at.join(&place) else { return Opened::Astray(because(Cause::WrongAnswer)) };
        match endpoint.within(there.as_str()) {
            Ok(place) => Opened::Channel(Box::new(Self { place, events })),
            Err(error) => Opened::Astray(judge::no_reply(&error.into(), LayerKind::Handshake)),
        }
    }

    /// Posts a message and waits for its answer on the stream.
    pub(super) async fn exchange(
        &mut self,
        client: &Client,
        message: &Value,
        limits: &Limits,
        patience: Duration,
    ) -> Result<Reply, NoReply> {
        timeout(patience, self.deliver(client, message, limits, patience)).await.unwrap_or(Err(NoReply::Slow))
    }

    async fn deliver(
        &mut self,
        client: &Client,
        message: &Value,
        limits: &Limits,
        patience: Duration,
    ) -> Result<Reply, NoReply> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let posted = client.send(&self.place, Method::POST, Some(message.to_string().into()), &headers);
        let Some(id) = message.get("id") else { return Ok(head(&posted.await?, &self.place)) };
        // Listened to meanwhile: a server may be unable to take the message to its end while nobody reads the answer.
        let line = Line { client, endpoint: &self.place, headers: &headers };
        let (response, heard) = match select(pin!(posted), pin!(self.events.answer(id, &line))).await {
            Either::Left((response, hearing)) => {
                let response = response?;
                let heard = if response.status().is_success() { hearing.await } else { Ok(Body::Unanswered) };
                (response, heard)
            }
            Either::Right((heard, posted)) => (posted.await?, heard),
        };
        let mut reply = head(&response, &self.place);
        reply.body = if response.status().is_success() { heard? } else { body(response, id, limits, patience).await? };
        Ok(reply)
    }
}

/// Why there is no stream, where that is about the token. A page that answers 403 may be anybody's.
async fn refused(response: Response, endpoint: &Endpoint, limits: &Limits, patience: Duration) -> Opened {
    let mut reply = head(&response, endpoint);
    reply.body = body(response, &Value::Null, limits, patience).await.unwrap_or(Body::Unreadable);
    if reply.status == 403 && matches!(reply.body, Body::Html) {
        return Opened::Nothing;
    }
    Opened::Refused(Box::new(reply))
}

/// The place that a stream names.
async fn place(events: &mut Events, deadline: Instant) -> Result<String, Stop> {
    let mut says_other = false;
    let naming = async {
        loop {
            match events.next().await? {
                Ok(event) if event.event.as_deref() == Some("endpoint") => return Ok(Ok(event.data)),
                Ok(_) => says_other = true,
                Err(body) => return Ok(Err(body)),
            }
        }
    };
    let named = timeout_at(deadline, naming).await.unwrap_or(Err(NoReply::Slow));
    match named {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(Body::Unreadable)) => Err(because(Cause::Unreadable)),
        Ok(Err(_)) | Err(NoReply::Slow) if says_other => Err(because(Cause::WrongAnswer)),
        Ok(Err(_)) => Err(because(Cause::Unanswered)),
        Err(why) => Err(judge::no_reply(&why, LayerKind::Handshake)),
    }
}

fn because(cause: Cause) -> Stop {
    Stop::because(cause, LayerKind::Handshake)
}
