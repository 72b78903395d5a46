//! Connecting to one of several addresses, of which some may lead nowhere.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::Cause;

/// How long an address may keep silent before the next one is tried beside it (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(250);

/// The first connection that comes about; an address that swallows all callers does not keep the next from being tried.
///
/// # Errors
/// Whether all of them turn callers away, or one of them says nothing.
pub(super) async fn reach(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, Cause> {
    let mut trying = FuturesUnordered::new();
    let mut rest = addresses.iter().copied();
    let mut cause = Cause::TurnedAway;
    trying.extend(rest.next().map(TcpStream::connect));
    let first = async {
        while !trying.is_empty() {
            tokio::select! {
                Some(outcome) = trying.next() => match outcome {
                    Ok(stream) => return Some(stream),
                    Err(error) => {
                        // Also where this computer knows no way there.
                        if error.kind() != ErrorKind::ConnectionRefused {
                            cause = Cause::NoAnswer;
                        }
                        trying.extend(rest.next().map(TcpStream::connect));
                    }
                },
                () = sleep(HEAD_START), if rest.len() > 0 => trying.extend(rest.next().map(TcpStream::connect)),
            }
        }
        None
    };
    match timeout(limit, first).await {
        Ok(Some(stream)) => Ok(stream),
        Ok(None) => Err(cause),
        Err(_) => Err(Cause::NoAnswer),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    async fn listener(at: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind(at).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    async fn refused(at: &str) -> SocketAddr {
        listener(at).await.1
    }

    #[tokio::test]
    async fn an_address_that_refuses_gives_way() {
        for (dead, alive) in [("[::1]:0", "127.0.0.1:0"), ("127.0.0.1:0", "[::1]:0")] {
            let (_here, address) = listener(alive).await;
            let begun = Instant::now();
            let stream = reach(&[refused(dead).await, address], LIMIT).await.expect("it is reached");
            assert_eq!(stream.peer_addr().expect("an address"), address);
            assert!(begun.elapsed() < LIMIT / 2, "{:?}", begun.elapsed());
        }
    }

    /// A queue of callers that is full lets further ones knock in vain.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_keeps_silent_costs_its_head_start_only() {
        let socket = tokio::net::TcpSocket::new_v6().expect("a socket");
        socket.bind("[::1]:0".parse().expect("an address")).expect("a port");
        let full = socket.listen(1).expect("it listens");
        let silent = full.local_addr().expect("an address");
        let mut waiting = Vec::new();
        while let Ok(Ok(caller)) = timeout(Duration::from_millis(100), TcpStream::connect(silent)).await {
            waiting.push(caller);
        }
        let (_here, address) = listener("127.0.0.1:0").await;
        let begun = Instant::now();
        let stream = reach(&[silent, address], LIMIT).await.expect("it is reached");
        assert_eq!(stream.peer_addr().expect("an address"), address);
        assert!(begun.elapsed() < LIMIT / 2, "{:?}", begun.elapsed());
        let alone = reach(&[silent], Duration::from_millis(300)).await;
        assert_eq!(alone.expect_err("nobody answers"), Cause::NoAnswer);
        let both = reach(&[silent, refused("127.0.0.1:0").await], Duration::from_millis(600)).await;
        assert_eq!(both.expect_err("nobody answers"), Cause::NoAnswer, "one that is silent is what is told");
    }

    #[tokio::test]
    async fn addresses_that_all_refuse_turn_callers_away() {
        let addresses = [refused("[::1]:0").await, refused("127.0.0.1:0").await];
        assert_eq!(reach(&addresses, LIMIT).await.expect_err("nobody is there"), Cause::TurnedAway);
        assert_eq!(reach(&[], LIMIT).await.expect_err("nobody is there"), Cause::TurnedAway);
    }
}
