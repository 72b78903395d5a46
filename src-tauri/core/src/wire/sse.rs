//! Server-sent events, as the HTML standard defines them, with a bound on an event's size.

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

/// Turns bytes into events.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    after_cr: bool,
    begun: bool,
}

impl Decoder {
    /// A decoder for events of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), event: Event::default(), has_data: false, after_cr: false, begun: false }
    }

    /// Takes bytes and gives the events that are complete, and those that only say `id` or `retry`.
    ///
    /// # Errors
    /// `TooLarge`; `Broken` where the text is not UTF-8.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, WireError> {
        let mut events = Vec::new();
        for byte in bytes {
            let ends = match byte {
                b'\n' if self.after_cr => {
                    self.after_cr = false;
                    continue;
                }
                b'\n' | b'\r' => true,
                _ => false,
            };
            self.after_cr = *byte == b'\r';
            if ends {
                events.extend(self.end_line()?);
            } else if self.line.len() + self.event.data.len() >= self.limit {
                return Err(WireError::TooLarge);
            } else {
                self.line.push(*byte);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Result<Option<Event>, WireError> {
        let line = std::mem::take(&mut self.line);
        let text = std::str::from_utf8(&line).map_err(|_| WireError::Broken)?;
        let text = if self.begun { text } else { text.trim_start_matches('\u{feff}') };
        self.begun = true;
        if text.is_empty() {
            return Ok(self.end_event());
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            "event" => self.event.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            "retry" => self.event.retry = value.parse().ok().or(self.event.retry),
            // A comment, or a field of the future.
            _ => {}
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Option<Event> {
        let tells = self.has_data || self.event.id.is_some() || self.event.retry.is_some();
        self.has_data = false;
        let event = std::mem::take(&mut self.event);
        tells.then_some(event)
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
    fn an_event_without_data_only_tells_its_id() {
        assert_eq!(all("id: 1\n\n: nothing\n\n", 5), [Event { id: Some("1".into()), ..Event::default() }]);
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::new(10);
        assert_eq!(decoder.push(b"data: 0123456789"), Err(WireError::TooLarge));
    }
}
