//! A stream of events, read until an answer is among them, and no further than the limits go.

use std::collections::VecDeque;

use serde_json::Value;

use super::http::{Body, NoReply, is_answer};
use crate::wire::{Response, WireError, next_piece, read_json, sse};

/// A stream that is being read. Whoever stops listening in the middle misses nothing of it later.
pub(super) struct Events {
    response: Response,
    decoder: sse::Decoder,
    /// What came and was not looked at yet.
    ready: VecDeque<sse::Event>,
    /// How many bytes one answer may take, with all that comes before it.
    limit: usize,
    taken: usize,
}

impl Events {
    pub(super) fn of(response: Response, limit: usize) -> Self {
        Self { response, decoder: sse::Decoder::new(limit), ready: VecDeque::new(), limit, taken: 0 }
    }

    /// Waits for the answer; what else comes is let pass.
    pub(super) async fn answer(&mut self, id: &Value) -> Result<Body, NoReply> {
        self.taken = 0;
        loop {
            let event = match self.next().await? {
                Ok(event) => event,
                Err(body) => return Ok(body),
            };
            let answer = read_json(event.data.as_bytes()).filter(|value| is_answer(value, id));
            if let Some(answer) = answer {
                return Ok(Body::Answer(answer));
            }
        }
    }

    /// The next event, or what the stream is where there is none.
    pub(super) async fn next(&mut self) -> Result<Result<sse::Event, Body>, NoReply> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Ok(event));
            }
            let Some(piece) = next_piece(&mut self.response).await? else { return Ok(Err(Body::Unanswered)) };
            self.taken += piece.len();
            if self.taken > self.limit {
                return Err(WireError::TooLarge.into());
            }
            match self.decoder.push(&piece) {
                Err(WireError::Broken) => return Ok(Err(Body::Unreadable)),
                events => self.ready.extend(events?),
            }
        }
    }
}
