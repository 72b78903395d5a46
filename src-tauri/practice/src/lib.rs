//! The practice service: a pretend service on this computer, to try everything with, and the tests' real peer.
//!
//! One loopback server with an MCP endpoint of both generations at `/mcp`, behind bearer sign-in, and a page at
//! `/tokens` where tokens are made, listed and revoked. It says everywhere that it is for practice; its tokens are worth
//! nothing elsewhere. Only tokens' hashes are stored. Requests that name another host than this computer, or come from a
//! page of another origin, are refused.

mod guard;
mod notes;
mod page;
mod server;
mod store;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use jiff::Timestamp;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use store::{NewToken, SCOPES, State, StoreError, Token, Tokens};

/// The port that the catalog names.
pub const DEFAULT_PORT: u16 = 47115;

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// Another program listens at the port.
    #[error("Port {0} is taken by another program.")]
    PortTaken(u16),
    /// The network refuses otherwise.
    #[error("The practice service cannot listen: {0}")]
    Network(#[from] std::io::Error),
    /// The tokens' file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What to start with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The port; 0 for any.
    pub port: u16,
    /// The tokens' file; in memory where absent.
    pub store: Option<PathBuf>,
}

/// A running service; stops when dropped.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// What all handlers share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) tokens: Arc<Tokens>,
}

/// Starts the service on this computer's loopback address.
///
/// # Errors
/// The port is taken, or the tokens' file cannot be read.
pub async fn start(options: Options) -> Result<Running, PracticeError> {
    let tokens = Arc::new(Tokens::open(options.store, Timestamp::now)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => PracticeError::PortTaken(options.port),
        _ => PracticeError::Network(error),
    })?;
    let addr = listener.local_addr()?;
    let stop = CancellationToken::new();
    let app = router(Shared { tokens }, &stop);
    let ended = stop.clone();
    let task = tokio::spawn(async move {
        axum::serve(listener, app).with_graceful_shutdown(async move { ended.cancelled().await }).await
    });
    Ok(Running { addr, stop, task })
}

fn router(shared: Shared, stop: &CancellationToken) -> Router {
    let notes = notes::Notes::default();
    let mut config = StreamableHttpServerConfig::default();
    config.cancellation_token = stop.child_token();
    let mcp = StreamableHttpService::new(
        move || Ok(server::Server::new(notes.clone())),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let mcp = Router::new().fallback_service(mcp).layer(axum::middleware::from_fn_with_state(shared.clone(), guard::sign_in));
    Router::new()
        .route("/", get(|| async { axum::response::Redirect::to("/tokens") }))
        .route("/tokens", get(page::show).post(page::make))
        .route("/tokens/{id}/revoke", post(page::revoke))
        .route("/tokens.css", get(page::style))
        .route("/tokens.js", get(page::script))
        .route("/api/tokens", get(page::list_json).post(page::make_json))
        .route("/api/tokens/{id}/revoke", post(page::revoke_json))
        .nest_service("/mcp", mcp)
        .layer(axum::middleware::from_fn(guard::this_computer_only))
        .with_state(shared)
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The MCP endpoint's address.
    pub fn mcp_url(&self) -> String {
        format!("http://{}/mcp", self.addr)
    }

    /// The token page's address.
    pub fn tokens_url(&self) -> String {
        format!("http://{}/tokens", self.addr)
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// The network fails.
    pub async fn wait(mut self) -> std::io::Result<()> {
        (&mut self.task).await.unwrap_or(Ok(()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}
