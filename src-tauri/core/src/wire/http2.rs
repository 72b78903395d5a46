//! Whether somebody speaks HTTP/2 in clear text, where HTTP/1 is not understood.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

/// How a caller begins who knows that HTTP/2 is spoken (RFC 9113, 3.4), with a first frame that changes nothing.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The kind of the frame with which both sides begin.
const SETTINGS: u8 = 4;
/// Who speaks HTTP/2 begins without being asked.
const PATIENCE: Duration = Duration::from_secs(1);

/// Whether what answers at an http address begins as HTTP/2 does. Nothing of a request is sent.
pub(super) async fn speaks_http2(url: &Url) -> bool {
    matches!(timeout(PATIENCE, first_frame(url)).await, Ok(Ok([_, _, _, SETTINGS, 0, 0, 0, 0, 0])))
}

async fn first_frame(url: &Url) -> std::io::Result<[u8; 9]> {
    let addresses = url.socket_addrs(|| None)?;
    let mut stream = TcpStream::connect(addresses.as_slice()).await?;
    stream.write_all(PREFACE).await?;
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await?;
    Ok(frame)
}
