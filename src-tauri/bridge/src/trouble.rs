//! What can go wrong on the way, in words for the person who reads them in their app.

use bytes::Bytes;
use patchbay_core::wire::{ProxyWhy, WireError, asks_to_wait};
use serde_json::json;

use crate::way::Ways;

/// Why a request gets an error instead of the service's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// For scripts and records.
    pub(crate) code: String,
    /// For people.
    pub(crate) message: String,
    /// How long the service asks to wait, in seconds.
    wait: Option<u64>,
}

impl Trouble {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), wait: None }
    }

    pub(crate) fn token_refused() -> Self {
        Self::new("token_refused", "The service refused the token. Renew it in Patchbay.")
    }

    /// The same where a sign-in gave the token.
    pub(crate) fn sign_in_refused() -> Self {
        let said = "The service refused what your sign-in gave just now. Try again in a moment. If that does not help, \
                    sign in again: open Patchbay and choose Sign in, or run: patchbay sign-in";
        Self::new("token_refused", said)
    }

    /// Without the tokens that were ever sent: the last look before it is told or logged.
    pub(crate) fn veiled(self, ways: &Ways) -> Self {
        Self { message: ways.veil(&self.message), ..self }
    }

    /// Whether it may be over in a moment.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self.code.as_str(), "unreachable" | "too_slow" | "broken" | "proxy_unreachable")
    }

    /// Whether it is the session alone that is over.
    pub(crate) fn is_of_session(&self) -> bool {
        self.code == "session_ended"
    }

    /// Whether another way through the network may do better.
    pub(crate) fn is_of_network(&self) -> bool {
        matches!(self.code.as_str(), "unreachable" | "too_slow" | "tls_not_trusted") || self.code.starts_with("proxy_")
    }

    /// Whether the service may have got the request all the same, so that it must not be sent twice.
    pub(crate) fn may_have_arrived(&self) -> bool {
        self.code == "too_slow"
    }

    /// An answer's status that is no success, with how long it asks to wait.
    pub(crate) fn status(status: u16, words: &str, wait: Option<u64>) -> Self {
        let asks = wait.map(|seconds| format!(" {}", asks_to_wait(seconds))).unwrap_or_default();
        let said = if words.is_empty() { asks.clone() } else { format!("{asks} It says: {words}") };
        let trouble = match status {
            // Whether it has a token, or was the right place before, is not known here.
            403 => Self::new(
                "not_allowed",
                format!("The service does not allow this. Look in Patchbay whether it has a token that may.{said}"),
            ),
            404 | 410 => Self::new(
                "wrong_address",
                "Nothing answers this at the service's address. If it has worked before, ask the service's support; \
                 if not, check the address in Patchbay.",
            ),
            429 => {
                let again = if asks.is_empty() { " Try again in a while." } else { "" };
                Self::new("service_error", format!("The service had too many requests.{again}{said}"))
            }
            301..=303 | 307..=399 => {
                Self::new("wrong_address", "The service's address sends elsewhere. Check the address in Patchbay.")
            }
            500..=599 => {
                Self::new("service_error", format!("The service reports a fault of its own ({status}).{said}"))
            }
            402 | 407..=409 | 411..=414 | 416..=421 | 423..=499 => Self::new(
                "service_error",
                format!("The service turns this down for a reason of its own ({status}). Ask its support.{said}"),
            ),
            _ => Self::new("not_mcp", format!("The service does not understand this ({status}).{said}")),
        };
        Self { wait, ..trouble }
    }

    /// The JSON-RPC error for a request's id, as a line.
    pub(crate) fn line(&self, id: &str) -> Bytes {
        let mut error =
            json!({ "code": -32000, "message": self.message, "data": { "code": self.code, "from": "patchbay" } });
        if let Some(seconds) = self.wait {
            error["data"]["retry_after"] = seconds.into();
        }
        format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{error}}}\n").into()
    }
}

impl From<patchbay_core::Error> for Trouble {
    fn from(error: patchbay_core::Error) -> Self {
        Self::new(&error.code.as_str(), error.in_sentences())
    }
}

impl From<WireError> for Trouble {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Name => {
                Self::new("unreachable", "The service's name is not known. Are you online? Is the address right?")
            }
            WireError::Connect => Self::new("unreachable", "The service cannot be reached. Are you online?"),
            WireError::Unused(unused) => {
                Self::new("unreachable", format!("The service cannot be reached. {}", unused.sentences()))
            }
            WireError::Proxy(fault) => {
                Self::new(proxy_code(&fault.why), format!("{} {}", fault.sentence(), fault.next_step()))
            }
            WireError::Tls(words) => {
                let words = words.to_string();
                let end = if words.ends_with('?') { "" } else { "." };
                Self::new("tls_not_trusted", format!("The connection to the service is not trusted: {words}{end}"))
            }
            WireError::Timeout => Self::new("too_slow", "The service took too long."),
            WireError::OtherOrigin(origin) => Self::new(
                "wrong_address",
                format!("The service's address sends to {origin}. The token was not sent there."),
            ),
            WireError::Circles => Self::new("wrong_address", "The service's address sends in circles."),
            WireError::TooLarge => Self::new("too_large", "The service's answer is too large."),
            WireError::NoHttp => Self::new("not_mcp", "What answers at the service's address is no web service."),
            WireError::Http2Only => Self::new(
                "not_mcp",
                "What answers at the service's address speaks only HTTP/2 without encryption, which apps cannot use. It \
                 has to speak HTTP/1.1 as well, or https.",
            ),
            WireError::Broken => Self::new("broken", "The service's answer was cut off."),
        }
    }
}

/// The code of what a proxy does, as the check's verdict names it.
fn proxy_code(why: &ProxyWhy) -> &'static str {
    match why {
        ProxyWhy::Name | ProxyWhy::Unreachable | ProxyWhy::NoProxy | ProxyWhy::HangsUp => "proxy_unreachable",
        ProxyWhy::WantsSignIn | ProxyWhy::OtherSignIn(_) => "proxy_sign_in_needed",
        ProxyWhy::RefusesSignIn => "proxy_sign_in_refused",
        ProxyWhy::Forbids | ProxyWhy::SendsOn => "proxy_forbids",
        ProxyWhy::CannotReach | ProxyWhy::Cuts | ProxyWhy::Busy => "unreachable",
        ProxyWhy::Slow => "too_slow",
        ProxyWhy::Tls(_) => "tls_not_trusted",
    }
}
