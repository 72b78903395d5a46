//! Standard input and output without a thread in between, where the system allows.
//!
//! Apps give pipes or socket pairs; both can be waited for directly, which saves a hop between threads on every
//! message. Anything else (a terminal, a file) goes through a helper thread.

use tokio::io::{AsyncRead, AsyncWrite};

/// Standard input.
pub fn input() -> Box<dyn AsyncRead + Unpin + Send> {
    #[cfg(unix)]
    if let Some(direct) = direct::input() {
        return direct;
    }
    Box::new(tokio::io::stdin())
}

/// Standard output.
pub fn output() -> Box<dyn AsyncWrite + Unpin + Send> {
    #[cfg(unix)]
    if let Some(direct) = direct::output() {
        return direct;
    }
    Box::new(tokio::io::stdout())
}

#[cfg(unix)]
mod direct {
    use std::os::fd::{AsFd, OwnedFd};
    use std::os::unix::net::UnixStream as StdUnixStream;

    use tokio::io::{AsyncRead, AsyncWrite};
    use tokio::net::{UnixStream, unix::pipe};

    pub(super) fn input() -> Option<Box<dyn AsyncRead + Unpin + Send>> {
        let fd = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
        if let Ok(pipe) = pipe::Receiver::from_owned_fd(fd.try_clone().ok()?) {
            return Some(Box::new(pipe));
        }
        socket(fd).map(|socket| Box::new(socket) as Box<_>)
    }

    pub(super) fn output() -> Option<Box<dyn AsyncWrite + Unpin + Send>> {
        let fd = std::io::stdout().as_fd().try_clone_to_owned().ok()?;
        if let Ok(pipe) = pipe::Sender::from_owned_fd(fd.try_clone().ok()?) {
            return Some(Box::new(pipe));
        }
        socket(fd).map(|socket| Box::new(socket) as Box<_>)
    }

    fn socket(fd: OwnedFd) -> Option<UnixStream> {
        let socket = StdUnixStream::from(fd);
        // Only a socket has a peer.
        socket.peer_addr().ok()?;
        socket.set_nonblocking(true).ok()?;
        UnixStream::from_std(socket).ok()
    }
}
