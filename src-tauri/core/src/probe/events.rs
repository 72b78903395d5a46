//! A stream of events, read until an answer is among them, and no further than the limits go.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;

use super::http::{Body, NoReply, is_answer};
use super::line::{Again, Line};
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
    /// The last event that has a name to ask for what follows it.
    last: Option<String>,
    retry: Option<Duration>,
    /// Whether anything came since it was asked for again.
    heard: bool,
}

impl Events {
    pub(super) fn of(response: Response, limit: usize) -> Self {
        let decoder = sse::Decoder::new(limit);
        Self { response, decoder, ready: VecDeque::new(), limit, taken: 0, last: None, retry: None, heard: false }
    }

    /// Waits for the answer; what else comes is let pass, but for questions.
    pub(super) async fn answer(&mut self, id: &Value, line: &Line<'_>) -> Result<Body, NoReply> {
        self.taken = 0;
        self.hear(id, line).await
    }

    /// The same where a server may end the stream and be asked for it again (2025-11-25), by the bridge's rules.
    pub(super) async fn answer_in_the_end(mut self, id: &Value, line: &Line<'_>) -> Result<Body, NoReply> {
        let mut in_vain = 0;
        loop {
            let heard = self.hear(id, line).await;
            if !matches!(heard, Ok(Body::Unanswered) | Err(NoReply::Wire(WireError::Broken))) {
                return heard;
            }
            // As long as it names the time to ask again, it is asked.
            in_vain = if self.heard { 0 } else { in_vain + 1 };
            let Some(last) = self.last.clone().filter(|_| in_vain < sse::RESUMES) else { return heard };
            tokio::time::sleep(sse::pause(self.retry, in_vain)).await;
            self.heard = false;
            match Box::pin(line.again(&last)).await {
                Again::Stream(response) => self.go_on(response),
                Again::Later => {}
                Again::Never => return heard,
            }
        }
    }

    /// Goes on with another response, where the one before has ended.
    fn go_on(&mut self, response: Response) {
        (self.response, self.decoder) = (response, sse::Decoder::new(self.limit));
        self.heard = self.retry.is_some();
    }

    async fn hear(&mut self, id: &Value, line: &Line<'_>) -> Result<Body, NoReply> {
        loop {
            let event = match self.next().await? {
                Ok(event) => event,
                Err(body) => return Ok(body),
            };
            let Some(message) = read_json(event.data.as_bytes()).filter(|_| event.is_message()) else { continue };
            if is_answer(&message, id) {
                return Ok(Body::Answer(message));
            }
            // Apart, as few servers ask anything: what is listened to carries none of it along.
            Box::pin(line.answer(&message)).await;
        }
    }

    /// The next event, or what the stream is where there is none.
    pub(super) async fn next(&mut self) -> Result<Result<sse::Event, Body>, NoReply> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                self.note(&event);
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

    fn note(&mut self, event: &sse::Event) {
        self.heard = true;
        if let Some(id) = event.id.clone().filter(|id| !id.is_empty()) {
            self.last = Some(id);
        }
        self.retry = event.retry.map(Duration::from_millis).or(self.retry);
    }
}
