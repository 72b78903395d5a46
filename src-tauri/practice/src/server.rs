//! Start, stop, and which address leads where. Listens on the loopback address and on no other.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{delete, get, post};
use axum::serve::ListenerExt as _;
use rmcp::transport::streamable_http_server::session::local::{LocalSessionManager, SessionConfig};
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::PracticeError;
use crate::oauth::{self, SignInRules};
use crate::store::{self, Store};
use crate::tools::Tools;
use crate::{guard, sign_in, web};

/// The largest form or JSON request.
const MOST_FORM_BYTES: usize = 64 * 1024;

/// How long an idle session of the older protocol is kept: a person at play pauses longer than a program.
const SESSION: Duration = Duration::from_secs(3600);

/// How long requests under way may take to end when the service stops.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What to start with.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The port; 0 for any.
    pub port: u16,
    /// The tokens' file; in memory where absent.
    pub store: Option<PathBuf>,
    /// How sign-ins by OAuth go.
    pub sign_ins: SignInRules,
}

/// A running service. It stops when dropped.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<io::Result<()>>,
    /// Keeps other practice services away from the tokens' file.
    _claim: Option<File>,
}

/// Starts the service on this computer's loopback address.
///
/// # Errors
/// The port is taken; the tokens' file is in use, or cannot be read.
pub async fn start(options: Options) -> Result<Running, PracticeError> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => PracticeError::PortTaken(options.port),
            _ => PracticeError::Network(error),
        })?;
    let addr = listener.local_addr()?;
    let claim = options.store.as_deref().map(store::claim).transpose()?;
    let store = Arc::new(Store::open(options.store)?);
    let stop = CancellationToken::new();
    let task = tokio::spawn(serve(listener, router(store, options.sign_ins, &stop), stop.clone()));
    tracing::info!("the practice service listens at {addr}");
    Ok(Running { addr, stop, task, _claim: claim })
}

async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) -> io::Result<()> {
    // Small answers must not wait for the peer's acknowledgement of the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

fn router(store: Arc<Store>, rules: SignInRules, stop: &CancellationToken) -> Router {
    let mcp =
        Router::new().route_service("/mcp", mcp(stop)).route_layer(from_fn_with_state(store.clone(), sign_in::sign_in));
    let pair = Router::new()
        .route_service("/pair/mcp", self::mcp(stop))
        .route_layer(from_fn_with_state(store.clone(), sign_in::sign_in))
        .route_layer(from_fn_with_state(store.clone(), sign_in::pair));
    let pages = Router::new()
        .route("/", get(|| async { Redirect::to("/tokens") }))
        .route("/tokens", get(web::show).post(web::make))
        .route("/tokens/{id}/revoke", post(web::revoke))
        .route("/tokens.css", get(web::style))
        .route("/tokens.js", get(web::script))
        .route("/icon.svg", get(web::icon))
        .route("/api/tokens", get(web::list_json).post(web::make_json))
        .route("/api/tokens/{id}", delete(web::revoke_json))
        .route("/api/tokens/{id}/revoke", post(web::revoke_json))
        .layer(DefaultBodyLimit::max(MOST_FORM_BYTES))
        .with_state(store.clone());
    pages
        .merge(mcp)
        .merge(pair)
        .merge(oauth::router(store, rules))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing at this address.") })
        .layer(from_fn(guard::this_computer_only))
}

/// Answers the older protocol with sessions and event streams, the newer one without sessions and with plain JSON, so
/// that both ways can be tried.
fn mcp(stop: &CancellationToken) -> StreamableHttpService<Tools, LocalSessionManager> {
    let mut session = SessionConfig::default();
    session.keep_alive = Some(SESSION);
    let mut sessions = LocalSessionManager::default();
    sessions.session_config = session;
    let config =
        StreamableHttpServerConfig::default().with_json_response(true).with_cancellation_token(stop.child_token());
    let tools = Tools::new();
    StreamableHttpService::new(move || Ok(tools.clone()), Arc::new(sessions), config)
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

    /// The address of the same endpoint for those who send two tokens, the second in the header `X-Practice-Key`.
    pub fn pair_url(&self) -> String {
        format!("http://{}/pair/mcp", self.addr)
    }

    /// The token page's address.
    pub fn tokens_url(&self) -> String {
        format!("http://{}/tokens", self.addr)
    }

    /// The address of the page with all that signed in.
    pub fn sign_ins_url(&self) -> String {
        format!("http://{}/sign-ins", self.addr)
    }

    /// Serves until the network fails.
    ///
    /// # Errors
    /// The network fails.
    pub async fn wait(mut self) -> io::Result<()> {
        (&mut self.task).await.map_err(io::Error::other)?
    }

    /// Stops listening, lets requests under way end, and returns when the port is free again.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if tokio::time::timeout(LAST_WORDS, &mut self.task).await.is_err() {
            self.task.abort();
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}
