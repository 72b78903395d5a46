//! Server-sent events, as the HTML standard defines them, with a bound on an event's size.

use std::time::Duration;

use bytes::Bytes;

use super::WireError;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; `message` where it has none.
    pub event: Option<String>,
    /// The last id given, to resume after.
    pub id: Option<String>,
    /// Its data, lines joined by LF.
    pub data: String,
    /// How long to wait before connecting again, in milliseconds.
    pub retry: Option<u64>,
}

impl Event {
    /// Whether it may carry a message of the protocol: other names are of other things.
    pub fn is_message(&self) -> bool {
        self.event.as_deref().is_none_or(|name| name == "message")
    }
}

/// How often in a row a stream is taken up again without bringing anything.
pub const RESUMES: u32 = 5;
/// The longest wait before a stream is taken up again.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The shortest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait before taking a stream up again: as the server says, and longer each time in vain.
pub fn pause(retry: Option<Duration>, in_vain: u32) -> Duration {
    let first = retry.unwrap_or(Duration::from_millis(500)).max(SHORTEST_PAUSE);
    first.saturating_mul(2_u32.pow(in_vain.min(10))).min(LONGEST_PAUSE)
}

/// What a decoder that passes large events on gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// An event that was small enough to be held.
    Event(Event),
    /// A piece of the data of a larger one.
    Data(Bytes),
    /// The end of a larger one, with all that it told beside its data.
    End(Event),
    /// What has come of one that is too large, whether it is a message, was forgotten, and so will be the rest of it; its
    /// end follows.
    TooLarge(bool),
}

/// How far the present event's data is passed on in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passing {
    /// It is held.
    Nothing,
    /// What came so far is, and the rest of the present line will be.
    Line,
    /// What came so far is.
    Lines,
}

/// Turns bytes into events.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// From this size on, the data of messages is passed on in pieces.
    hold: usize,
    /// Whether others are still heard after an event that is too large.
    goes_on: bool,
    /// Whether the present one is.
    forgets: bool,
    passing: Passing,
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    after_cr: bool,
    begun: bool,
}

impl Decoder {
    /// A decoder for events of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            hold: usize::MAX,
            goes_on: false,
            forgets: false,
            passing: Passing::Nothing,
            line: Vec::new(),
            event: Event::default(),
            has_data: false,
            after_cr: false,
            begun: false,
        }
    }

    /// A decoder that passes a message of more than `hold` bytes on in pieces, where it is a JSON object; other events
    /// have at most `limit` bytes.
    pub fn passing(limit: usize, hold: usize) -> Self {
        Self { hold, ..Self::new(limit) }
    }

    /// A decoder for a stream that many wait on: an event that is too large is told of as a part, and the stream goes on.
    pub fn going_on(limit: usize) -> Self {
        Self { goes_on: true, ..Self::new(limit) }
    }

    /// From which size on messages are passed on in pieces from now.
    pub fn hold(&mut self, hold: usize) {
        self.hold = hold;
    }

    /// How many bytes are held by now.
    pub fn held(&self) -> usize {
        self.line.len() + self.event.data.len()
    }

    /// Takes bytes and gives the events that are complete, and those that only say `id` or `retry`.
    ///
    /// # Errors
    /// `TooLarge`; `Broken` where the text is not UTF-8.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, WireError> {
        let events = |part| if let Part::Event(event) = part { Some(event) } else { None };
        Ok(self.parts(bytes)?.into_iter().filter_map(events).collect())
    }

    /// The same for a decoder that passes large events on.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn parts(&mut self, bytes: &[u8]) -> Result<Vec<Part>, WireError> {
        let mut parts = Vec::new();
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let text = &rest[..end.unwrap_or(rest.len())];
            parts.extend(self.take(text)?);
            let Some(end) = end else { break };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if self.passing == Passing::Line {
                self.passing = Passing::Lines;
            } else {
                parts.extend(self.end_line()?);
            }
        }
        Ok(parts)
    }

    /// Takes a part of a line.
    fn take(&mut self, text: &[u8]) -> Result<Option<Part>, WireError> {
        if self.passing == Passing::Line {
            let passes = !text.is_empty() && !self.forgets;
            return Ok(passes.then(|| Part::Data(Bytes::copy_from_slice(text))));
        }
        self.line.extend_from_slice(text);
        if self.held() > self.limit {
            return if self.goes_on { Ok(self.forget()) } else { Err(WireError::TooLarge) };
        }
        Ok(if self.held() > self.hold { self.let_go() } else { None })
    }

    /// Forgets the present event, and the rest of it while it comes in.
    fn forget(&mut self) -> Option<Part> {
        let is_message = self.event.is_message() && (self.has_data || self.line.starts_with(b"data:"));
        let is_new = !std::mem::replace(&mut self.forgets, true);
        (self.passing, self.has_data) = (Passing::Line, false);
        (self.line, self.event.data) = (Vec::new(), String::new());
        is_new.then_some(Part::TooLarge(is_message))
    }

    /// Begins to pass data on, or goes on with it, where the line that grew too large is data of a message.
    fn let_go(&mut self) -> Option<Part> {
        let value = self.line.strip_prefix(b"data:").filter(|value| !value.is_empty())?;
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let begin = if self.has_data { self.event.data.as_bytes() } else { value };
        let fits = self.event.is_message() && begin.trim_ascii_start().starts_with(b"{");
        if self.passing == Passing::Nothing && !fits {
            return None;
        }
        let between: &[u8] = if self.has_data { b"\n" } else { b"" };
        let data = if self.forgets { Vec::new() } else { [self.event.data.as_bytes(), between, value].concat() };
        (self.passing, self.has_data) = (Passing::Line, true);
        self.event.data.clear();
        self.line.clear();
        (!data.is_empty()).then(|| Part::Data(data.into()))
    }

    fn end_line(&mut self) -> Result<Option<Part>, WireError> {
        let line = std::mem::take(&mut self.line);
        let text = std::str::from_utf8(&line).map_err(|_| WireError::Broken)?;
        let text = if self.begun { text } else { text.strip_prefix('\u{feff}').unwrap_or(text) };
        self.begun = true;
        if text.is_empty() {
            return Ok(self.end_event());
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" if self.forgets => {}
            "data" if self.passing == Passing::Lines => return Ok(Some(Part::Data(format!("\n{value}").into()))),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            // An empty name is none.
            "event" => self.event.event = (!value.is_empty()).then(|| value.to_owned()),
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.event.retry = value.parse().ok().or(self.event.retry);
            }
            // A comment, or a field of the future.
            _ => {}
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Option<Part> {
        let tells = self.has_data || self.event.id.is_some() || self.event.retry.is_some();
        (self.has_data, self.forgets) = (false, false);
        let event = std::mem::take(&mut self.event);
        if std::mem::replace(&mut self.passing, Passing::Nothing) != Passing::Nothing {
            return Some(Part::End(event));
        }
        tells.then_some(Part::Event(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, piece: usize) -> Vec<Event> {
        let mut decoder = Decoder::new(1000);
        text.as_bytes().chunks(piece).flat_map(|bytes| decoder.push(bytes).expect("is in bounds")).collect()
    }

    #[test]
    fn decodes_whatever_the_pieces_and_line_ends_are() {
        let text = "\u{feff}: hello\nid: 7\nevent: message\ndata: {\"a\":\ndata: 1}\nretry: 250\n\ndata:x\n\n";
        let first =
            Event { event: Some("message".into()), id: Some("7".into()), data: "{\"a\":\n1}".into(), retry: Some(250) };
        let second = Event { data: "x".into(), ..Event::default() };
        for ends in ["\n", "\r", "\r\n"] {
            for piece in [1, 2, 3, 1000] {
                assert_eq!(all(&text.replace('\n', ends), piece), [first.clone(), second.clone()], "{ends:?} {piece}");
            }
        }
    }

    #[test]
    fn an_empty_name_is_none_and_other_names_are_of_no_message() {
        let named = |name: &str| all(&format!("event:{name}\ndata: x\n\n"), 7).remove(0);
        assert!(named("").is_message() && named(" ").is_message() && named(" message").is_message());
        assert!(!named(" response").is_message());
    }

    #[test]
    fn pauses_are_the_servers_but_never_none_and_never_endless() {
        let pause = |retry: u64, in_vain| pause(Some(Duration::from_millis(retry)), in_vain);
        assert_eq!((pause(3000, 0), pause(0, 0)), (Duration::from_secs(3), SHORTEST_PAUSE));
        assert!(pause(0, 30) > Duration::from_secs(10));
        assert_eq!(pause(u64::MAX, 30), LONGEST_PAUSE);
        assert_eq!(super::pause(None, 2), Duration::from_secs(2));
    }

    #[test]
    fn an_event_without_data_only_tells_its_id() {
        assert_eq!(all("id: 1\n\n: nothing\n\n", 5), [Event { id: Some("1".into()), ..Event::default() }]);
    }

    #[test]
    fn a_large_message_comes_in_pieces_and_whole() {
        let text = "id: 1\ndata: {\"a\":\ndata: 0123456789,\ndata:x\ndata: 9876543210}\nid: 2\n\ndata: y\n\n";
        for ends in ["\n", "\r", "\r\n"] {
            for piece in 1..60 {
                let mut decoder = Decoder::passing(1000, 8);
                let text = text.replace('\n', ends);
                let parts: Vec<_> =
                    text.as_bytes().chunks(piece).flat_map(|bytes| decoder.parts(bytes).expect("in bounds")).collect();
                let data = parts.iter().flat_map(|part| if let Part::Data(data) = part { &data[..] } else { b"" });
                let data: Vec<u8> = data.copied().collect();
                assert_eq!(String::from_utf8_lossy(&data), "{\"a\":\n0123456789,\nx\n9876543210}", "{ends:?} {piece}");
                let [.., Part::End(end), Part::Event(next)] = &parts[..] else { panic!("{parts:?}") };
                assert_eq!((end.id.as_deref(), next.data.as_str()), (Some("2"), "y"));
            }
        }
    }

    #[test]
    fn a_large_event_that_is_no_object_is_held() {
        for text in ["data: 0123456789\n\n", "event: other\ndata: {\"0123456789\":1}\n\n"] {
            let mut decoder = Decoder::passing(1000, 8);
            let parts = decoder.parts(text.as_bytes()).expect("in bounds");
            assert!(matches!(&parts[..], [Part::Event(_)]), "{parts:?}");
        }
    }

    #[test]
    fn an_event_that_is_too_large_is_told_of_once_and_the_next_one_is_heard() {
        let large = "0123456789".repeat(3);
        for begin in ["data: [", "event: other\ndata: {", "data: [\ndata: ", ": "] {
            let text = format!("{begin}{large}\ndata: {large}\ndata: 0\nid: 7\n\ndata: y\n\n");
            for (piece, ends) in [(1, "\n"), (7, "\r\n"), (1000, "\n")] {
                let mut decoder = Decoder::going_on(20);
                decoder.hold(8);
                let text = text.replace('\n', ends);
                let pieces = text.as_bytes().chunks(piece);
                let parts: Vec<_> = pieces.flat_map(|bytes| decoder.parts(bytes).expect("it goes on")).collect();
                let [Part::TooLarge(is_message), Part::End(end), Part::Event(next)] = &parts[..] else {
                    panic!("{begin} {piece} {parts:?}")
                };
                assert_eq!((*is_message, end.id.as_deref()), (begin.starts_with("data"), Some("7")));
                assert_eq!((next.data.as_str(), decoder.held()), ("y", 0));
            }
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::new(10);
        assert_eq!(decoder.push(b"data: 0123456789"), Err(WireError::TooLarge));
    }
}
