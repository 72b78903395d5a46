//! The app's end: whole lines, and lines that are written while they still come in.

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::passage::MOST_HELD;

/// Lines that wait for an app that reads slowly.
const MOST_LINES: usize = 64;
/// Pieces of a line that wait for it.
const MOST_PIECES: usize = 2;
/// The size of a large line's pieces, so that none of them keeps all of it in memory.
const PIECE: usize = 64 * 1024;

/// What is written.
enum Line {
    /// A line with its end.
    Whole(Bytes),
    /// A line in pieces; its end follows where they do.
    Pieces(mpsc::Receiver<Bytes>),
}

/// Where lines go in.
#[derive(Clone)]
pub(crate) struct Outlet(mpsc::Sender<Line>);

impl Outlet {
    /// Writes to the app until nobody has anything to say any more.
    pub(crate) fn new(output: impl AsyncWrite + Unpin + Send + 'static) -> (Self, tokio::task::JoinHandle<()>) {
        let (lines, queue) = mpsc::channel(MOST_LINES);
        (Self(lines), tokio::spawn(write(output, queue)))
    }

    /// Writes a line, its end included; waits while the app reads slowly, and until all but the end of a large line is
    /// written.
    pub(crate) async fn line(&self, line: Bytes) {
        if line.len() > MOST_HELD {
            // The end of the line comes with the end of the pieces.
            return send_all(&self.pieces().await, line.trim_ascii_end()).await;
        }
        // The app is gone if this fails, and so is everybody who would want to know.
        let _ = self.0.send(Line::Whole(line)).await;
    }

    /// Begins a line that is written as its pieces come. Everybody else waits until the sender is dropped, which ends the
    /// line, whole or not.
    pub(crate) async fn pieces(&self) -> mpsc::Sender<Bytes> {
        let (pieces, queue) = mpsc::channel(MOST_PIECES);
        let _ = self.0.send(Line::Pieces(queue)).await;
        pieces
    }
}

/// Writes a text as pieces of a line; waits while the app reads slowly.
pub(crate) async fn send_all(pieces: &mpsc::Sender<Bytes>, text: &[u8]) {
    for piece in text.chunks(PIECE) {
        if pieces.send(Bytes::copy_from_slice(piece)).await.is_err() {
            return;
        }
    }
}

async fn write(mut output: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<Line>) {
    while let Some(line) = queue.recv().await {
        let written = match line {
            Line::Whole(line) => output.write_all(&line).await,
            Line::Pieces(pieces) => write_pieces(&mut output, pieces).await,
        };
        if written.is_err() || output.flush().await.is_err() {
            // The app is gone; its standard input will end too.
            return;
        }
    }
}

async fn write_pieces(
    output: &mut (impl AsyncWrite + Unpin),
    mut pieces: mpsc::Receiver<Bytes>,
) -> std::io::Result<()> {
    let mut begun = false;
    while let Some(piece) = pieces.recv().await {
        output.write_all(&piece).await?;
        begun = true;
    }
    if begun { output.write_all(b"\n").await } else { Ok(()) }
}
