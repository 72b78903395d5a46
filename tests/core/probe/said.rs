//! What a person reads of each outcome, word for word: the command line prints it, and the window shows it.

use patchbay_core::probe::{LayerKind, Report, Verdict};

use super::outcome;

/// A verdict with its sentence: the cause, and one next step.
pub(crate) type Said = (Verdict, &'static str);

/// Asserts what a report says, and at which layer.
pub(crate) fn says(report: &Report, said: Said, layer: impl Into<Option<LayerKind>>) {
    let (verdict, failed) = outcome(report);
    assert_eq!((verdict, report.sentence().as_str(), failed), (said.0, said.1, layer.into()), "{report:?}");
    let because = report.cause().map(patchbay_core::probe::Cause::verdict);
    assert!(because.is_none_or(|because| because == verdict), "its cause is of another verdict: {report:?}");
}

// The way there.
pub(crate) const NAME_UNKNOWN: Said = (
    Verdict::Unreachable,
    "Nobody knows the name in this address. Look for a typing mistake in it, and whether you are online.",
);
pub(crate) const TURNED_AWAY: Said = (
    Verdict::Unreachable,
    "The computer at this address turns every caller away. Compare the address with the service’s own page; if it is right, try again in a while.",
);
pub(crate) const NO_ANSWER: Said = (
    Verdict::Unreachable,
    "Nobody answers at this address. A firewall may be in the way, or your network lets nothing out but through its proxy: ask whoever looks after it.",
);
pub(crate) const LINE_CUT: Said = (
    Verdict::Unreachable,
    "The connection is cut off before it is protected. Some networks do this to what they do not allow: ask whoever looks after yours.",
);
pub(crate) const TLS_SLOW: Said = (
    Verdict::TooSlow,
    "Somebody is there, but a protected connection does not come about in time. Try again in a while.",
);
pub(crate) const NO_TLS: Said = (
    Verdict::WrongAddress,
    "What answers there speaks without protection, although the address begins with https://, so nothing was sent. Compare the address with the service’s own page, and the number after the colon above all.",
);
pub(crate) const TLS_DISAGREE: Said = (
    Verdict::TlsNotTrusted,
    "The service and this computer know no way in common to protect the connection. Ask the service’s support.",
);
pub(crate) const TLS_WANTS_CERTIFICATE: Said = (
    Verdict::TlsNotTrusted,
    "The service wants this computer to prove itself with a certificate, which Patchbay does not have. Ask the service’s support for an address that takes a token alone.",
);
pub(crate) const TLS_NAME_UNKNOWN: Said = (
    Verdict::TlsNotTrusted,
    "What answers there does not know the name in this address, so nothing was sent. Compare the address with the service’s own page; if it is right, ask the service’s support.",
);
pub(crate) const TLS_FAULT: Said = (
    Verdict::TlsNotTrusted,
    "The service breaks off while the connection is being protected, so nothing was sent. Try again in a while; if it stays so, ask the service’s support.",
);
pub(crate) const NO_HTTP: Said = (
    Verdict::NotMcp,
    "What answers at this address is no web service. Compare the address with the service’s own page, its beginning and the number after the colon above all.",
);
pub(crate) const HTTP_2_ONLY: Said = (
    Verdict::NotMcp,
    "What answers at this address speaks only a newer language of the web, and that without protection, which AI apps cannot use. Whoever runs the service has to let it speak the older one as well, or give it a protected address.",
);
pub(crate) const CUT_OFF: Said = (
    Verdict::Unreachable,
    "The connection is cut off before the whole answer is there. Try again; if it stays so, something on the way or the service itself hangs up.",
);
pub(crate) const SLOW: Said =
    (Verdict::TooSlow, "The service takes the question and does not answer in time. Try again in a while.");

// Sent on.
pub(crate) const SENT_ELSEWHERE: Said = (
    Verdict::WrongAddress,
    "This address sends callers on to another place, where your token was not sent. If that place belongs to the service, use its address instead.",
);
pub(crate) const SENT_ON: Said = (
    Verdict::WrongAddress,
    "This address only sends callers on to another page. Use the address that the service gives for AI apps.",
);
pub(crate) const CIRCLES: Said =
    (Verdict::WrongAddress, "This address sends callers round in circles. Compare it with the service’s own page.");

// The token.
pub(crate) const TOKEN_REFUSED: Said = (
    Verdict::TokenRefused,
    "The service does not accept this token: it may be mistyped, ended or revoked. Copy it again, or make a new one.",
);
pub(crate) const OTHER_SIGN_IN: Said = (
    Verdict::TokenRefused,
    "The service wants another kind of sign-in than with this token. Look on the service’s own page how AI apps sign in to it.",
);
pub(crate) const TOKEN_MISSING: Said =
    (Verdict::TokenMissing, "The service wants a token, and it has none yet. Give it one.");
pub(crate) const NOT_WITHOUT_TOKEN: Said = (
    Verdict::TokenMissing,
    "The service does not allow this, and no token was sent to it. If it hands out tokens, give it one; if it does not, ask its support what it allows.",
);
pub(crate) const WANTS_BROWSER: Said =
    (Verdict::NeedsBrowserSignIn, "This service wants you to sign in with your browser.");
pub(crate) const NOT_ALLOWED: Said =
    (Verdict::NotAllowed, "The token is good, but it is not allowed to do this. Make one with the missing permission.");
pub(crate) const BLOCKED: Said = (
    Verdict::Unreachable,
    "A web page turns the request away; it may come from a guard in front of the service, or from your company’s network. Try from another network, or ask whoever looks after yours.",
);

// What is there instead.
pub(crate) const NOT_THERE: Said =
    (Verdict::WrongAddress, "There is nothing at this address. Compare it with the service’s own page.");
pub(crate) const GONE: Said = (
    Verdict::WrongAddress,
    "The service says that this address is no longer used. Look up the new one on the service’s own page.",
);
pub(crate) const WEB_PAGE: Said = (
    Verdict::NotMcp,
    "A web page for people answers at this address. Use the address that the service gives for AI apps.",
);
pub(crate) const TURNED_DOWN: Said = (
    Verdict::NotMcp,
    "What answers at this address turns down the way in which AI apps ask. Use the address that the service gives for AI apps.",
);
pub(crate) const FIRST_REFUSED: Said = (
    Verdict::NotMcp,
    "What answers there understands AI apps, but turns down their first question. Compare the address with the service’s own page; if it is right, ask the service’s support.",
);
pub(crate) const WRONG_ANSWER: Said = (
    Verdict::NotMcp,
    "What answers at this address says something else than AI apps asked for. Use the address that the service gives for AI apps.",
);
pub(crate) const UNREADABLE: Said = (
    Verdict::NotMcp,
    "What comes back from this address cannot be read. Use the address that the service gives for AI apps.",
);
pub(crate) const COMPRESSED: Said = (
    Verdict::NotMcp,
    "The answer comes compressed, which nobody asked for, so it was not opened. Something on the way may do this: try from another network.",
);
pub(crate) const TOO_LARGE: Said = (
    Verdict::NotMcp,
    "The answer is larger than any answer should be, so it was not read to its end. Compare the address with the service’s own page; if it is right, ask the service’s support.",
);
pub(crate) const UNANSWERED: Said = (
    Verdict::NotMcp,
    "What is at this address takes the question and ends without an answer. Try again; if it stays so, ask the service’s support.",
);

// Faults.
pub(crate) const TOO_MANY: Said =
    (Verdict::ServiceError, "The service has had too many requests. Wait a while, then check again.");
pub(crate) const PORTAL: Said = (
    Verdict::Unreachable,
    "Your network wants you to sign in to it first, as in a hotel or on a train. Open any page in your browser and sign in to the network, then check again.",
);
pub(crate) const FAULT: Said = (
    Verdict::ServiceError,
    "The service reports a fault of its own. Try again in a while; if it stays so, ask the service’s support.",
);
pub(crate) const GATEWAY: Said = (
    Verdict::ServiceError,
    "The service’s front door answers, but the service behind it does not. Try again in a while.",
);
pub(crate) const OVERLOADED: Said =
    (Verdict::ServiceError, "The service is overloaded or being worked on. Try again in a while.");
pub(crate) const SESSION_LOST: Said = (
    Verdict::ServiceError,
    "The service forgets from one request to the next who is asking. Try again; if it stays so, ask the service’s support.",
);
pub(crate) const DECLINED: Said = (
    Verdict::ServiceError,
    "The service turns this request down for a reason of its own. Read what it says below; if you cannot mend that, ask the service’s support.",
);
pub(crate) const LATER_UNFIT: Said = (
    Verdict::ServiceError,
    "The service answers the first question as it should, and then not the next one. Try again; if it stays so, ask the service’s support.",
);
pub(crate) const TOOLS_DENIED: Said = (
    Verdict::ServiceError,
    "The service says that it has tools, and then does not know how to list them. Ask the service’s support.",
);

// It works, with or without something to know.
pub(crate) const WORKS: Said = (Verdict::Working, "It works");
pub(crate) const NO_TOOLS: Said = (
    Verdict::Working,
    "It works, but it offers no tools. Look on the service’s own page what has to be switched on, or which permission shows them.",
);
pub(crate) const TOOLS_TWICE: Said = (
    Verdict::Working,
    "It works, but it lists the same tool more than once, which some apps do not take. If an app shows no tools, tell the service’s support.",
);
pub(crate) const TOOLS_ENDLESS: Said = (
    Verdict::Working,
    "It works, but its list of tools does not end. If an app hangs when it starts, tell the service’s support.",
);
pub(crate) const TOOL_GONE: Said = (
    Verdict::Working,
    "It works as far as can be told: the harmless request to try is not offered. If you miss tools in your app, look which permission shows them.",
);
pub(crate) const TOOL_FAILED: Said = (
    Verdict::Working,
    "It works up to the tools, but the harmless one that was tried reports an error. Read what it says below; if you cannot mend that, ask the service’s support.",
);
pub(crate) const TOOL_ASKS: Said = (
    Verdict::Working,
    "It works up to the tools, but the harmless one that was tried asks a question back, which a check cannot answer. Try it in your app.",
);
pub(crate) const PARTLY_ALLOWED: Said = (
    Verdict::Working,
    "It works, but not everything is allowed: of two harmless requests one was refused. If you need more, make a token with more permissions.",
);
