//! A large message, passed on while it still comes in: checked as far as that needs no memory.

use std::time::Duration;

use bytes::Bytes;
use patchbay_core::wire::WireError;
use tokio::sync::mpsc;

use crate::carry::Carrier;
use crate::hold::Held;
use crate::message::{Open, one_line};
use crate::outlet::send_all;
use crate::rename::Rename;
use crate::trouble::Trouble;

/// A message of at most so many bytes is looked at as a whole, and passed on as one line.
pub(crate) const MOST_HELD: usize = 256 * 1024;
/// How long a message that has begun may pause. Nobody else is heard meanwhile.
#[cfg(not(test))]
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);
#[cfg(test)]
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(300);
/// The longest id and the longest name of a member that are told.
const MOST_TOLD: usize = 1024;

/// A message under way.
pub(crate) struct Passage {
    scan: Scan,
    goes: Goes,
}

/// Where a message goes.
enum Goes {
    /// Nowhere: it is not for the app.
    Nowhere,
    /// To the app.
    Out(mpsc::Sender<Bytes>),
    /// Nowhere yet: it may be a question of the server. Boxed, as few messages are.
    Held(Box<Held>),
}

impl Passage {
    /// Begins a message; nobody else speaks to the app until it is dropped. Where its first piece shows that it answers
    /// what nobody waits for, it is read and left out.
    ///
    /// # Errors
    /// As [`Self::pass`].
    pub(crate) async fn begin(carrier: &Carrier, first: Bytes, open: &Open) -> Result<Self, WireError> {
        let scan = Scan { rename: Rename::of(open), ..Scan::default() };
        let mut passage = Self { scan, goes: Goes::Nowhere };
        let begin = passage.read(first)?;
        let is_awaited = |id: String| id == "null" || open.has(&id) || carrier.underway.awaits(&id);
        if !passage.scan.has_result || passage.scan.id().is_none_or(is_awaited) {
            passage.goes = match open.under() {
                Some(_) => Goes::Held(Box::default()),
                None => Goes::Out(carrier.outlet.pieces().await),
            };
            passage.send(carrier, begin).await?;
        }
        Ok(passage)
    }

    /// Passes a piece on; waits while the app reads slowly.
    ///
    /// # Errors
    /// `Broken` where the text cannot be a JSON message any more; the piece is not passed on then. `TooLarge` for what may
    /// be a question.
    pub(crate) async fn pass(&mut self, carrier: &Carrier, piece: Bytes) -> Result<(), WireError> {
        let piece = self.read(piece)?;
        self.send(carrier, piece).await
    }

    /// Looks at a piece, and gives it as the app is to see it.
    fn read(&mut self, piece: Bytes) -> Result<Bytes, WireError> {
        self.scan.take(&piece).ok_or(WireError::Broken)?;
        let piece = self.scan.rename.as_mut().map_or(piece, Rename::text);
        let has_breaks = piece.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        Ok(if has_breaks { on_one_line(&piece) } else { piece })
    }

    async fn send(&mut self, carrier: &Carrier, piece: Bytes) -> Result<(), WireError> {
        match &mut self.goes {
            Goes::Nowhere => {}
            Goes::Out(pieces) => {
                // The app is gone where this fails.
                let _ = pieces.send(piece).await;
            }
            Goes::Held(held) => {
                if !held.take(&carrier.room, &piece).await? {
                    let (text, _place) = std::mem::take(held).into_parts();
                    let pieces = carrier.outlet.pieces().await;
                    send_all(&pieces, &text).await;
                    self.goes = Goes::Out(pieces);
                }
            }
        }
        Ok(())
    }

    /// Ends the message and strikes out what it answers.
    ///
    /// # Errors
    /// `broken` where it is not whole. The app has seen a part of it, as a line that is no JSON.
    pub(crate) async fn end(self, carrier: &Carrier, open: &mut Open) -> Result<(), Trouble> {
        if !self.scan.is_whole() {
            return Err(WireError::Broken.into());
        }
        let id = self.scan.id().filter(|_| !self.scan.has_method);
        let is_own = id.as_ref().is_some_and(|id| open.settle_id(id));
        if let Some(id) = id.filter(|_| !is_own) {
            carrier.underway.settle(&id);
        }
        if let Goes::Held(held) = self.goes {
            let (text, place) = held.into_parts();
            if !is_own {
                carrier.say(one_line(&text)).await;
                return Ok(());
            }
            open.keep(one_line(&text));
            open.place(place);
        }
        Ok(())
    }
}

/// Line breaks in valid JSON stand only between its parts, never in a string.
fn on_one_line(piece: &[u8]) -> Bytes {
    piece.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect::<Vec<_>>().into()
}

/// What is known of an object's text so far: how deep it is nested, and its own `id`.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Default)]
struct Scan {
    depth: u32,
    in_string: bool,
    escaped: bool,
    begun: bool,
    ended: bool,
    has_method: bool,
    /// Whether it has what only answers have.
    has_result: bool,
    /// Whether the next thing at the object's own level is a member's value.
    at_value: bool,
    /// The member's name, or the id's value, as far as it is read.
    word: Vec<u8>,
    name: Vec<u8>,
    id: Option<Vec<u8>>,
    utf8: Utf8,
    rename: Option<Rename>,
}

impl Scan {
    /// Reads on; none where this is no object's text in UTF-8.
    fn take(&mut self, text: &[u8]) -> Option<()> {
        self.utf8.take(text)?;
        let mut at = 0;
        while at < text.len() {
            let was_id = self.is_at_id();
            let read = if self.in_string { self.string(&text[at..])? } else { self.between(text[at])? };
            let of_id = was_id && self.is_at_id();
            if let Some(rename) = &mut self.rename {
                rename.take(&text[at..at + read], of_id);
            }
            at += read;
        }
        Some(())
    }

    /// Whether what comes next may be of the id's value.
    fn is_at_id(&self) -> bool {
        self.depth == 1 && self.at_value && self.name == b"\"id\""
    }

    /// Inside a string; how much of it was read.
    fn string(&mut self, text: &[u8]) -> Option<usize> {
        if std::mem::take(&mut self.escaped) {
            self.tell(&text[..1]);
            return Some(1);
        }
        let plain = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(text.len());
        self.tell(&text[..plain]);
        let Some(end) = text.get(plain) else { return Some(plain) };
        match end {
            b'"' => self.in_string = false,
            b'\\' => self.escaped = true,
            _ => return None,
        }
        self.tell(&[*end]);
        Some(plain + 1)
    }

    /// Outside of strings.
    fn between(&mut self, byte: u8) -> Option<usize> {
        if self.ended || !self.begun {
            let fits = byte.is_ascii_whitespace() || (byte == b'{' && !self.begun);
            self.begun |= byte == b'{';
            self.depth = u32::from(self.begun && !self.ended);
            return fits.then_some(1);
        }
        match byte {
            b'"' => {
                self.tell(b"\"");
                self.in_string = true;
            }
            b'{' | b'[' => {
                self.depth = self.depth.checked_add(1)?;
                self.word.clear();
            }
            b'}' | b']' => {
                if self.depth == 1 {
                    self.member();
                }
                self.depth -= 1;
                self.ended = self.depth == 0;
            }
            b':' if self.depth == 1 => {
                self.name = std::mem::take(&mut self.word);
                self.has_method |= self.name == b"\"method\"";
                self.has_result |= self.name == b"\"result\"" || self.name == b"\"error\"";
                self.at_value = true;
            }
            b',' if self.depth == 1 => self.member(),
            _ => self.tell(&[byte]),
        }
        Some(1)
    }

    /// A member of the object itself ends.
    fn member(&mut self) {
        let word = std::mem::take(&mut self.word);
        if std::mem::take(&mut self.at_value) && self.name == b"\"id\"" {
            self.id = Some(word.trim_ascii().to_vec());
        }
    }

    /// Notes what may be a name or the id.
    fn tell(&mut self, text: &[u8]) {
        let told = self.is_at_id() || (self.depth == 1 && !self.at_value);
        let blank = !self.in_string && text.trim_ascii().is_empty();
        if told && !blank && self.word.len() < MOST_TOLD {
            self.word.extend_from_slice(&text[..text.len().min(MOST_TOLD)]);
        }
    }

    fn is_whole(&self) -> bool {
        self.ended && self.utf8.is_whole()
    }

    fn id(&self) -> Option<String> {
        String::from_utf8(self.id.clone()?).ok()
    }
}

/// Whether a text that comes in pieces is UTF-8.
#[derive(Debug, Default)]
struct Utf8 {
    /// The beginning of a character whose end is still to come.
    rest: Vec<u8>,
}

impl Utf8 {
    fn take(&mut self, mut text: &[u8]) -> Option<()> {
        while !self.rest.is_empty() {
            let Some((first, others)) = text.split_first() else { return Some(()) };
            text = others;
            self.rest.push(*first);
            match std::str::from_utf8(&self.rest) {
                Ok(_) => self.rest.clear(),
                Err(error) if error.error_len().is_some() => return None,
                Err(_) => {}
            }
        }
        match std::str::from_utf8(text) {
            Ok(_) => Some(()),
            Err(error) if error.error_len().is_some() => None,
            Err(error) => {
                self.rest = text[error.valid_up_to()..].to_vec();
                Some(())
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use patchbay_core::wire::Endpoint;
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, duplex};
    use tokio::net::TcpListener;

    use super::*;

    /// A service that begins a large answer and then pauses, for as long as it is listened to.
    async fn pausing(kind: &'static str, begin: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut asked = Vec::new();
            while !asked.ends_with(b"}") {
                stream.read_buf(&mut asked).await.expect("a request");
            }
            let text = "x".repeat(MOST_HELD);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: 999999\r\n\r\n");
            let answer = format!("{head}{begin}{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"{text}");
            stream.write_all(answer.as_bytes()).await.expect("a listener");
            std::future::pending::<()>().await;
        });
        url
    }

    #[tokio::test]
    async fn a_large_answer_that_pauses_for_too_long_is_given_up() {
        for (kind, begin, code) in [("application/json", "", "too_slow"), ("text/event-stream", "data: ", "broken")] {
            let url = pausing(kind, begin).await;
            let (mut app, input) = duplex(1024);
            let (output, lines) = duplex(MOST_HELD);
            let source: crate::Source = Arc::new(move |_| Endpoint::new(&url));
            tokio::spawn(crate::run(input, output, source, Arc::new(|_| {})));
            let begun = Instant::now();
            app.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}\n").await.expect("the bridge listens");
            let mut lines = BufReader::new(lines).lines();
            let mut line = async || tokio::time::timeout(Duration::from_secs(10), lines.next_line()).await;
            let cut = line().await.expect("in time").expect("text").expect("a line");
            assert!(cut.ends_with("xx") && begun.elapsed() >= LONGEST_PAUSE, "{kind}");
            let told = line().await.expect("in time").expect("text").expect("a line");
            assert!(told.contains(&format!("\"code\":\"{code}\"")), "{told}");
        }
    }

    fn scan(text: &str, piece: usize) -> Option<(bool, Option<String>, bool)> {
        let mut scan = Scan::default();
        text.as_bytes().chunks(piece).try_for_each(|piece| scan.take(piece))?;
        Some((scan.is_whole(), scan.id(), scan.has_method))
    }

    #[test]
    fn an_answers_id_is_found_wherever_it_stands_and_however_it_comes() {
        let texts = [
            (r#"{"jsonrpc":"2.0","id":7,"result":{"id":8,"a":["id",{"id":9}]}}"#, "7"),
            (r#" { "result" : {"text":"\"id\":1,}é] \\"}, "id" : "a,\"b é" } "#, r#""a,\"b é""#),
            ("{\"result\":{},\n\"id\":\n-1.0\n}\n", "-1.0"),
            (r#"{"result":"id","id":null}"#, "null"),
        ];
        for (text, id) in texts {
            for piece in [1, 2, 3, 1000] {
                assert_eq!(scan(text, piece), Some((true, Some(id.to_owned()), false)), "{text} {piece}");
            }
        }
        assert_eq!(scan(r#"{"method":"x","id":1}"#, 4), Some((true, Some("1".to_owned()), true)));
    }

    #[test]
    fn an_answer_comes_under_the_apps_id_wherever_its_own_stands_and_however_it_comes() {
        let texts = [
            (r#"{"id":"own","result":{"id":"own"}}"#, r#"{"id":7,"result":{"id":"own"}}"#),
            (r#"{"result":["id","own"], "id" : "\u006fwn" }"#, r#"{"result":["id","own"], "id" :7}"#),
            (r#"{"id":"other","result":{}}"#, r#"{"id":"other","result":{}}"#),
            (r#"{"id":{"id":"own"},"x":1}"#, r#"{"id":{"id":"own"},"x":1}"#),
        ];
        for (text, expected) in texts {
            for piece in [1, 2, 3, 1000] {
                let open = Open::translating("\"own\"".to_owned(), "7".to_owned());
                let mut scan = Scan { rename: Rename::of(&open), ..Scan::default() };
                let mut told = Vec::new();
                for piece in text.as_bytes().chunks(piece) {
                    scan.take(piece).expect("an object");
                    told.extend(scan.rename.as_mut().expect("another id").text());
                }
                assert_eq!(String::from_utf8_lossy(&told), expected, "{piece}");
            }
        }
        let same = Open::translating("7".to_owned(), "7".to_owned());
        assert!(Rename::of(&same).is_none());
    }

    #[test]
    fn what_is_cut_is_not_whole_and_what_is_no_object_is_refused() {
        for text in ["", "{", r#"{"a":"}"#, r#"{"a":[}"#, r#"{"id":1"#] {
            assert!(scan(text, 2).is_some_and(|(whole, ..)| !whole), "{text}");
        }
        for text in ["x", "[]", "{}{", r#"{"a":1}}"#, "{\"a\":\"line\nbreak\"}"] {
            assert_eq!(scan(text, 2), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_utf8_is_refused_across_pieces() {
        let texts: [(&[u8], bool); 4] = [
            (b"{\"a\":\"\xC3\xA9\"}", true),
            (b"{\"a\":\"\xC3\"}", false),
            (b"{\"\xF0\x9F\x98\x80\":1}", true),
            (b"{\"\xFF\":1}", false),
        ];
        for (text, fits) in texts {
            for piece in [1, 2, 3, 100] {
                let mut scan = Scan::default();
                let read = text.chunks(piece).try_for_each(|piece| scan.take(piece));
                assert_eq!(read.is_some() && scan.is_whole(), fits, "{text:?} {piece}");
            }
        }
    }
}
