//! What an answer that is no success says about a connection: verdict, layer, words.

use super::http::{Body, NoReply, Reply};
use super::network::proxy_stop;
use super::{LayerKind, Stop, Verdict};
use crate::wire::WireError;

/// No reply came.
pub(super) fn no_reply(why: &NoReply, layer: LayerKind) -> Stop {
    let error = match why {
        NoReply::Slow => return Stop::new(Verdict::TooSlow, layer),
        NoReply::Wire(error) => error,
    };
    match error {
        WireError::OtherOrigin(origin) => {
            Stop::new(Verdict::WrongAddress, layer).detail(format!("It sends the caller to {origin}."))
        }
        WireError::Circles => Stop::new(Verdict::WrongAddress, layer).detail("It sends the caller in circles."),
        WireError::Proxy(fault) => proxy_stop(fault),
        WireError::Tls(words) => Stop::new(Verdict::TlsNotTrusted, LayerKind::Tls).detail(words.clone()),
        WireError::TooLarge => Stop::new(Verdict::NotMcp, layer).detail("Its answer does not end."),
        WireError::Timeout => Stop::new(Verdict::TooSlow, layer),
        WireError::Broken => Stop::new(Verdict::NotMcp, layer).detail("Its answer is cut off or unreadable."),
        WireError::Name | WireError::Connect => Stop::new(Verdict::Unreachable, layer),
    }
}

/// A status that means the same whatever was asked; 401 is not among them, because more has to be asked then.
pub(super) fn status(reply: &Reply, layer: LayerKind, has_token: bool) -> Option<Stop> {
    match reply.status {
        403 if !has_token => Some(Stop::new(Verdict::TokenMissing, layer).words(reply.words())),
        403 => Some(forbidden(reply, layer)),
        429 | 500..=599 => Some(service_error(reply, layer)),
        300..=399 => {
            // Not signing in failed, but finding the service.
            let layer = layer.max(LayerKind::Handshake);
            Some(Stop::new(Verdict::WrongAddress, layer).detail("It sends the caller elsewhere."))
        }
        _ => None,
    }
}

fn forbidden(reply: &Reply, layer: LayerKind) -> Stop {
    Stop { missing_right: reply.parameter("scope"), ..Stop::new(Verdict::NotAllowed, layer).words(reply.words()) }
}

fn service_error(reply: &Reply, layer: LayerKind) -> Stop {
    let status =
        if reply.status == 429 { "Too many requests.".to_owned() } else { format!("It answers {}.", reply.status) };
    let words = reply.words().map(|words| format!(" {words}")).unwrap_or_default();
    Stop { retry_after: reply.retry_after, ..Stop::new(Verdict::ServiceError, layer).detail(status + &words) }
}

/// The answer to `initialize` is none: no MCP server, nothing there, or one that refuses.
pub(super) fn no_handshake(reply: &Reply) -> Stop {
    if let Some((code, words)) = reply.error() {
        return match code {
            code if refuses(code) => Stop::new(Verdict::NotAllowed, LayerKind::SignIn).detail(words),
            INTERNAL_ERROR => Stop::new(Verdict::ServiceError, LayerKind::Handshake).detail(words),
            _ => Stop::new(Verdict::NotMcp, LayerKind::Handshake).words(Some(words)),
        };
    }
    let verdict = if matches!(reply.status, 404 | 410) { Verdict::WrongAddress } else { Verdict::NotMcp };
    Stop::new(verdict, LayerKind::Handshake).words(described(reply))
}

/// Something else than the result that was due after the handshake.
pub(super) fn no_result(reply: &Reply, layer: LayerKind, has_session: bool) -> Stop {
    match reply.error() {
        Some((code, words)) if refuses(code) => Stop::new(Verdict::NotAllowed, layer).detail(words),
        Some((_, words)) => Stop::new(Verdict::ServiceError, layer).detail(words),
        None if reply.status == 404 && has_session => {
            Stop::new(Verdict::ServiceError, layer).detail("It has forgotten the session that it began.")
        }
        None => {
            let words = described(reply).map(|words| format!(" {words}")).unwrap_or_default();
            Stop::new(Verdict::NotMcp, layer).detail(format!("It does not answer as an MCP server does.{words}"))
        }
    }
}

const INTERNAL_ERROR: i64 = -32603;

/// The codes that servers use for a refusal; others are faults.
fn refuses(code: i64) -> bool {
    matches!(code, -32001 | -32003 | 401 | 403)
}

fn described(reply: &Reply) -> Option<String> {
    match &reply.body {
        Body::Html => Some("A web page answers there.".to_owned()),
        Body::Unreadable(why) => Some((*why).to_owned()),
        _ => reply.words(),
    }
}
