//! What an answer that is no success says about a connection: verdict, layer, words.

use super::http::{Body, NoReply, Reply};
use super::network::{proxy_stop, way_unused};
use super::{Cause, LayerKind, Stop, Verdict};
use crate::wire::{Distrust, StatusCode, WireError};

/// No reply came.
pub(super) fn no_reply(why: &NoReply, layer: LayerKind) -> Stop {
    let because = |cause: Cause| Stop::because(cause, layer);
    let error = match why {
        NoReply::Slow => return because(Cause::Slow),
        NoReply::Wire(error) => error,
    };
    match error {
        // `javascript:` and the like lead nowhere.
        WireError::OtherOrigin(origin) if origin == "null" => because(Cause::SentOn),
        WireError::OtherOrigin(origin) => because(Cause::SentElsewhere).detail(origin.clone()),
        WireError::Circles => because(Cause::Circles),
        WireError::Proxy(fault) => proxy_stop(fault),
        // What is asked later goes over a connection of its own; the first one was protected.
        WireError::Tls(why) => Stop { layer, ..distrust(*why) },
        WireError::TooLarge => because(Cause::TooLarge),
        WireError::Timeout => because(Cause::Slow),
        WireError::NoHttp => because(Cause::NoHttp),
        WireError::Http2Only => because(Cause::Http2Only).detail("It speaks only HTTP/2 without encryption."),
        WireError::Unused(unused) => way_unused(unused, layer),
        WireError::Broken => because(Cause::CutOff),
        WireError::Name | WireError::Connect => Stop::new(Verdict::Unreachable, layer),
    }
}

/// Nothing was sent, because the line is not protected or leads to somebody else.
pub(super) fn distrust(why: Distrust) -> Stop {
    let cause = match why {
        Distrust::Expired => Cause::CertificateExpired,
        Distrust::Early => Cause::CertificateEarly,
        Distrust::OtherName => Cause::CertificateOtherName,
        Distrust::Unknown => Cause::CertificateUnknown,
        Distrust::SignsItself => Cause::CertificateSignsItself,
        Distrust::Signer => Cause::CertificateSigner,
        Distrust::UnknownOtherName => Cause::CertificateUnknownOtherName,
        Distrust::Bad => Cause::CertificateBad,
        Distrust::NoTls => Cause::NoTls,
        Distrust::Disagree => Cause::TlsDisagree,
        Distrust::WantsCertificate => Cause::TlsWantsCertificate,
        Distrust::NameUnknown => Cause::TlsNameUnknown,
        Distrust::BreaksOff => Cause::TlsFault,
    };
    Stop::because(cause, LayerKind::Tls)
}

/// A status that means the same whatever was asked; 401 is not among them, because more has to be asked then.
pub(super) fn status(reply: &Reply, layer: LayerKind, has_token: bool) -> Option<Stop> {
    let stop = match reply.status {
        // It is not said in the service's own way, so it may not be the service that says it.
        403 if matches!(reply.body, Body::Html) && layer <= LayerKind::Handshake => {
            Stop::because(Cause::Blocked, LayerKind::Handshake)
        }
        403 if !has_token => Stop::because(Cause::NotWithoutToken, layer).words(reply.words()),
        403 => forbidden(reply, layer),
        // It is the network's own page, and no word of the service.
        511 => Stop::because(Cause::Portal, layer.max(LayerKind::Handshake)),
        // Whether the sign-in is good was not said.
        429 | 500..=599 => service_error(reply, layer.max(LayerKind::Handshake)),
        408 => Stop::because(Cause::Slow, layer.max(LayerKind::Handshake)).words(reply.words()),
        // Neither the address nor the way of asking is at fault.
        402 | 407 | 409 | 411..=414 | 416..=421 | 423..=499 => {
            Stop::because(Cause::Declined, layer.max(LayerKind::Handshake)).words(with_status(reply))
        }
        // They lead nowhere by themselves.
        300 | 304..=306 if reply.place().is_none() => return None,
        // Not signing in failed, but finding the service.
        300..=399 => Stop::because(Cause::SentOn, layer.max(LayerKind::Handshake)).words(reply.place()),
        _ => return None,
    };
    Some(Stop { status: Some(reply.status), ..stop })
}

fn forbidden(reply: &Reply, layer: LayerKind) -> Stop {
    Stop { missing_right: reply.parameter("scope"), ..Stop::new(Verdict::NotAllowed, layer).words(reply.words()) }
}

fn service_error(reply: &Reply, layer: LayerKind) -> Stop {
    let cause = match reply.status {
        429 => Cause::TooMany,
        502 | 504 => Cause::Gateway,
        503 => Cause::Overloaded,
        _ => Cause::Fault,
    };
    // Nothing is asked where there is nothing to wait for.
    let retry_after = reply.retry_after.clone().filter(|when| when.trim().parse() != Ok(0));
    Stop { retry_after, ..Stop::because(cause, layer).words(reply.words()) }
}

/// The answer to `initialize` is none: no MCP server, nothing there, or one that refuses; or, where it was posted to the
/// place that a stream has named, one that does not know the stream.
pub(super) fn no_handshake(reply: &Reply, has_stream: bool) -> Stop {
    let because = |cause: Cause| Stop::because(cause, LayerKind::Handshake);
    let stop = match (reply.error(), reply.status) {
        (Some((code, words)), _) if refuses(code, &words) => return refused(reply, words, LayerKind::SignIn),
        (_, 404) if has_stream => because(Cause::SessionLost),
        (Some((INTERNAL_ERROR | AMBIGUOUS, words)), _) => because(Cause::Fault).words(Some(words)),
        (Some((_, words)), _) => because(Cause::FirstRefused).words(Some(words)),
        (None, 404) => Stop::new(Verdict::WrongAddress, LayerKind::Handshake).words(reply.words()),
        (None, 410) => because(Cause::Gone).words(reply.words()),
        (None, 400..=499) => because(Cause::TurnedDown).words(reply.words()),
        (None, _) => because(misunderstood(reply)).words(reply.words()),
    };
    Stop { status: Some(reply.status), ..stop }
}

/// Something else than the result that was due after the handshake.
pub(super) fn no_result(reply: &Reply, layer: LayerKind, has_session: bool) -> Stop {
    let because = |cause: Cause| Stop::because(cause, layer);
    let stop = match reply.error() {
        // The status says it, whatever the words beside it are; an app begins anew.
        _ if reply.status == 404 && has_session => because(Cause::SessionLost),
        Some((code, words)) if refuses(code, &words) => return refused(reply, words, layer),
        Some((METHOD_NOT_FOUND, words)) if layer == LayerKind::Tools => because(Cause::ToolsDenied).words(Some(words)),
        Some((_, words)) => because(Cause::Fault).words(Some(words)),
        None => match misunderstood(reply) {
            cause @ (Cause::Compressed | Cause::Unanswered) => because(cause).words(reply.words()),
            // The address is right, as the handshake shows.
            _ => because(Cause::LaterUnfit).words(with_status(reply)),
        },
    };
    Stop { status: Some(reply.status), ..stop }
}

/// The service's words, after the status where that is no success.
fn with_status(reply: &Reply) -> Option<String> {
    let status = StatusCode::from_u16(reply.status).ok().filter(|status| !status.is_success());
    let status = status.map(|status| status.to_string().replace(" <unknown status code>", ""));
    let told: Vec<_> = status.into_iter().chain(reply.words()).collect();
    (!told.is_empty()).then(|| told.join(": "))
}

/// What a body is instead of an answer.
fn misunderstood(reply: &Reply) -> Cause {
    match &reply.body {
        Body::Html => Cause::WebPage,
        Body::Compressed => Cause::Compressed,
        Body::Unreadable => Cause::Unreadable,
        Body::Unanswered => Cause::Unanswered,
        Body::Answer(_) | Body::Json(_) | Body::Other(_) => Cause::WrongAnswer,
    }
}

const INTERNAL_ERROR: i64 = -32603;
const METHOD_NOT_FOUND: i64 = -32601;

/// Some refuse with it; others say with it that a session is not known, or that a time is over.
const AMBIGUOUS: i64 = -32001;

/// Whether an error is a refusal, by the codes that servers use for that; others are faults.
pub(crate) fn refuses(code: i64, words: &str) -> bool {
    matches!(code, -32003 | 401 | 403) || (code == AMBIGUOUS && speaks_of_refusal(words))
}

fn speaks_of_refusal(words: &str) -> bool {
    let words = words.to_lowercase();
    let signs = [
        "unauthor",
        "not authori",
        "authenti",
        "forbidden",
        "denied",
        "permission",
        "not allowed",
        "credential",
        "scope",
        "invalid token",
        "invalid_token",
        "token expired",
        "expired token",
    ];
    signs.iter().any(|sign| words.contains(sign))
}

/// A refusal in the protocol's own words.
fn refused(reply: &Reply, words: String, layer: LayerKind) -> Stop {
    let stop = if reply.has_token() {
        Stop::new(Verdict::NotAllowed, layer)
    } else {
        Stop::because(Cause::NotWithoutToken, layer)
    };
    let status = if (200..300).contains(&reply.status) { 403 } else { reply.status };
    Stop { status: Some(status), ..stop.words(Some(words)) }
}
