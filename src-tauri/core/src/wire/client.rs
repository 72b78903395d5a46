//! Sending requests.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, Response, StatusCode};

use super::bound::PROOF;
use super::http2::speaks_http2;
use super::network::try_through;
use super::{Endpoint, ProxyFault, ProxyWhy, WireError};
use crate::error::{Code, Error, Result};

const MOST_REDIRECTS: usize = 5;
/// How often a request is shown with another proof: others may use up what a server has just said.
const MOST_PROOFS: usize = 4;

/// How much of an answer may be under way over HTTP/2 before it is read.
const UNREAD: u32 = 256 * 1024;
/// The same for all answers of a connection: enough for more than are ever waited for at once, or those that are not read
/// for a while would take the room of the one that is.
const UNREAD_AT_ONCE: u32 = 64 * 1024 * 1024 + 4 * UNREAD;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// Between two pieces of an answer; none for streams that may be silent for long.
    pub read: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), read: None }
    }
}

/// An HTTP client for one endpoint's origin; cheap to clone, keeps connections alive.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    patience: Duration,
}

impl Client {
    /// A client fit for an endpoint: the system's trust store, and the proxy and certificates of its network; none of
    /// it for plain http on this computer.
    ///
    /// # Errors
    /// `Internal` where the system's trust store cannot be opened.
    pub fn for_endpoint(endpoint: &Endpoint, timeouts: Timeouts) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeouts.connect)
            .tcp_nodelay(true)
            .http2_initial_stream_window_size(UNREAD)
            .http2_initial_connection_window_size(UNREAD_AT_ONCE)
            .user_agent(concat!("patchbay/", env!("CARGO_PKG_VERSION")));
        if let Some(read) = timeouts.read {
            builder = builder.read_timeout(read);
        }
        if endpoint.is_plain() {
            // Loading the trust store takes longer than all else at start.
            builder = builder.no_proxy().tls_certs_only([]);
        } else {
            let network = endpoint.network().clone();
            builder = builder.tls_backend_preconfigured(network.web_tls()?);
            // Asked for each address, so that none on this computer goes through one.
            builder = builder.proxy(reqwest::Proxy::custom(move |url| network.proxy_for(url)?.url()));
        }
        let client = builder.build().map_err(|_| Error::new(Code::Internal, "The HTTP library does not start."))?;
        Ok(Self { http: client, patience: timeouts.connect })
    }

    /// Sends a request, following redirects within the origin.
    ///
    /// 307 and 308 are sent again; after 301, 302 and 303 the answer is returned as it is, because a POST would turn
    /// into something else.
    ///
    /// # Errors
    /// Why no answer came.
    pub async fn send(
        &self,
        endpoint: &Endpoint,
        method: Method,
        body: Option<Bytes>,
        headers: &HeaderMap,
    ) -> Result<Response, WireError> {
        let mut at = endpoint.clone();
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&at, &method, body.as_ref(), headers).await?;
            match next(&at, &response)? {
                Some(there) if again(response.status()) => at = there,
                _ => return Ok(response),
            }
        }
        Err(WireError::Circles)
    }

    /// Sends a request there. Where it shows that its sender has a key and the server wants to be shown otherwise, it is sent
    /// again: the server has done nothing with it.
    async fn ask(
        &self,
        at: &Endpoint,
        method: &Method,
        body: Option<&Bytes>,
        headers: &HeaderMap,
    ) -> Result<Response, WireError> {
        if !at.is_plain() {
            at.network().ask_script(at.url()).await;
        }
        let mut shown = 1;
        loop {
            let mut request =
                self.http.request(method.clone(), at.url().clone()).headers(at.all_headers()).headers(headers.clone());
            if let Some(body) = body {
                request = request.body(body.clone());
            }
            let proof = at.proof(method);
            if let Some(proof) = &proof {
                request = request.header(PROOF, proof.header.clone());
            }
            let response = match request.send().await {
                Ok(response) => response,
                // Apart, so that requests that go well carry none of it along.
                Err(error) => return Err(Box::pin(self.why(&error, at)).await),
            };
            match proof {
                Some(proof) if at.wants_other(&proof, &response) && shown < MOST_PROOFS => shown += 1,
                _ => return Ok(response),
            }
        }
    }

    /// Why no answer came. The HTTP library does not tell what a proxy said, so where no way led through one it is asked
    /// again by hand.
    async fn why(&self, error: &reqwest::Error, at: &Endpoint) -> WireError {
        let seen = WireError::of(error);
        if at.is_plain() {
            let may_be = matches!(seen, WireError::NoHttp | WireError::Broken);
            return if may_be && speaks_http2(at.url()).await { WireError::Http2Only } else { seen };
        }
        if !error.is_connect() {
            return seen;
        }
        let network = at.network();
        network.doubt_script(at.url());
        let Some(proxy) = network.proxy_for(at.url()) else {
            let unused = network.unused(at.url()).filter(|_| !matches!(seen, WireError::Tls(_)));
            return unused.map_or(seen, WireError::Unused);
        };
        let slow = || WireError::Proxy(ProxyFault::new(&proxy, at.url(), ProxyWhy::Slow));
        if seen == WireError::Timeout {
            return slow();
        }
        match tokio::time::timeout(self.patience, try_through(network, &proxy, at.url())).await {
            Ok(Ok(())) => seen,
            Ok(Err(fault)) => WireError::Proxy(fault),
            Err(_) => slow(),
        }
    }
}

fn again(status: StatusCode) -> bool {
    matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
}

/// Where a redirect leads, if it is one.
fn next(at: &Endpoint, response: &Response) -> Result<Option<Endpoint>, WireError> {
    if !response.status().is_redirection() {
        return Ok(None);
    }
    let Some(there) = response.headers().get(LOCATION).and_then(|place| place.to_str().ok()) else { return Ok(None) };
    match at.within(there) {
        Err(WireError::Broken) => Ok(None),
        there => there.map(Some),
    }
}

/// The next piece of a body; none at its end.
///
/// # Errors
/// Why it was cut off.
pub async fn next_piece(response: &mut Response) -> std::result::Result<Option<Bytes>, WireError> {
    response.chunk().await.map_err(|error| WireError::of(&error))
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// `TooLarge`, or why it was cut off.
pub async fn read_bounded(response: Response, limit: usize) -> Result<Bytes, WireError> {
    let mut body = BytesMut::new();
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| WireError::of(&error))?;
        if body.len() + piece.len() > limit {
            return Err(WireError::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}
