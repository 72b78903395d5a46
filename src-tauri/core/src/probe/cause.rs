//! What exactly a check found, finer than its verdict.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::Verdict;

/// Why a layer failed, or went well with something to know. Each has one sentence with the cause and one with the next
/// step in the language files. A verdict that says enough by itself needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Cause {
    /// Nobody knows the host's name.
    NameUnknown,
    /// The network's directory of names does not answer.
    NameUnanswered,
    /// The host refuses the connection.
    TurnedAway,
    /// Nothing comes back from the address at all.
    NoAnswer,
    /// The connection is closed before TLS is agreed on.
    LineCut,
    /// Somebody is there, and TLS does not come about in time.
    TlsSlow,
    /// What answers an https address speaks no TLS.
    NoTls,
    /// No TLS version or cipher in common.
    TlsDisagree,
    /// The service wants its callers to prove themselves with certificates.
    TlsWantsCertificate,
    /// What answers does not know the name that it was asked for.
    TlsNameUnknown,
    /// What answers breaks off while TLS is agreed on.
    TlsFault,
    /// The certificate is of the past.
    CertificateExpired,
    /// The certificate is of the future.
    CertificateEarly,
    /// The certificate is for another host.
    CertificateOtherName,
    /// The certificate is signed by nobody whom this computer trusts.
    CertificateUnknown,
    /// The certificate is unfit in another way.
    CertificateBad,
    /// The certificate is one for signing others.
    CertificateSigner,
    /// The certificate is signed by nobody whom this computer trusts, and for another host.
    CertificateUnknownOtherName,
    /// The certificate is signed by itself alone.
    CertificateSignsItself,
    /// The network's proxy hangs up instead of answering.
    ProxyHangsUp,
    /// What answers in the proxy's place is no proxy.
    ProxyNone,
    /// The network's proxy wants a sign-in of a kind that Patchbay does not have.
    ProxyOtherSignIn,
    /// The network's proxy answers with a page of its own.
    ProxyPage,
    /// The network's proxy had too many requests.
    ProxyBusy,
    /// The network's proxy agrees, and then the line is cut before it is protected.
    ProxyCuts,
    /// Nobody answers directly, and the network itself is to tell where the system's proxy script is, which is not asked.
    ProxyScript,
    /// Nobody answers directly, and the system's proxy script cannot be had.
    ProxyScriptGone,
    /// Nobody answers directly, and the system's proxy script fails.
    ProxyScriptBroken,
    /// Nobody answers directly, and the system's proxy script takes too long.
    ProxyScriptSlow,
    /// Nobody answers directly, and the system's proxy script names no proxy that could be used.
    ProxyScriptUnfit,
    /// A sign-in of another kind than with a token is wanted.
    OtherSignIn,
    /// It is not allowed, and no token was sent (403).
    NotWithoutToken,
    /// It redirects to another origin, where nothing was sent.
    SentElsewhere,
    /// It redirects in a way that requests cannot follow.
    SentOn,
    /// It redirects to itself in the end.
    Circles,
    /// A web page answers 403: what stands before the service turned the request away.
    Blocked,
    /// The network wants a sign-in of its own before it lets anything through (511).
    Portal,
    /// The address was given up for good (410).
    Gone,
    /// A web page answers.
    WebPage,
    /// The way in which apps ask is turned down (400, 405, 406, 415).
    TurnedDown,
    /// A request is turned down for a reason of the service's own (402, 413, 421, 431, 451, ...).
    Declined,
    /// The first question is answered with an error.
    FirstRefused,
    /// Something that is no answer to the question.
    WrongAnswer,
    /// No JSON, or no text at all.
    Unreadable,
    /// Compressed, though nobody asked for that.
    Compressed,
    /// Larger than any answer should be, or endless.
    TooLarge,
    /// A stream that ends without an answer.
    Unanswered,
    /// The connection is closed before the answer or in the middle of it.
    CutOff,
    /// What answers does not speak HTTP/1.
    NoHttp,
    /// What answers speaks HTTP/2 alone, and that in clear text.
    Http2Only,
    /// The question is taken and not answered in time.
    Slow,
    /// Too many requests (429).
    TooMany,
    /// A fault of the service's own (5xx, or in the protocol's words).
    Fault,
    /// What stands before the service cannot reach it (502, 504).
    Gateway,
    /// Overloaded or under maintenance (503).
    Overloaded,
    /// The session that it began is not known any more.
    SessionLost,
    /// It says that it has tools, and knows no way to list them.
    ToolsDenied,
    /// The handshake went well, and a later answer is none.
    LaterUnfit,
    /// Well, but it offers no tools.
    NoTools,
    /// Well, but the same tool is listed more than once.
    ToolsTwice,
    /// Well, but the list of tools does not end.
    ToolsEndless,
    /// Well, but the harmless tool is not offered.
    ToolGone,
    /// Well, but the harmless tool itself reports an error.
    ToolFailed,
    /// Well, but the harmless tool asks a question back, which a check cannot answer.
    ToolAsks,
    /// Well, but one harmless tool is not allowed while another is.
    PartlyAllowed,
}

impl Cause {
    /// The verdict that it decides.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::NameUnknown
            | Self::NameUnanswered
            | Self::TurnedAway
            | Self::NoAnswer
            | Self::LineCut
            | Self::ProxyCuts
            | Self::ProxyBusy
            | Self::Blocked
            | Self::Portal
            | Self::CutOff => Verdict::Unreachable,
            Self::TlsSlow | Self::Slow => Verdict::TooSlow,
            Self::TlsDisagree
            | Self::TlsWantsCertificate
            | Self::TlsNameUnknown
            | Self::TlsFault
            | Self::CertificateExpired
            | Self::CertificateEarly
            | Self::CertificateOtherName
            | Self::CertificateUnknown
            | Self::CertificateSigner
            | Self::CertificateSignsItself
            | Self::CertificateUnknownOtherName
            | Self::CertificateBad => Verdict::TlsNotTrusted,
            Self::ProxyHangsUp | Self::ProxyNone => Verdict::ProxyUnreachable,
            Self::ProxyScript
            | Self::ProxyScriptGone
            | Self::ProxyScriptBroken
            | Self::ProxyScriptSlow
            | Self::ProxyScriptUnfit => Verdict::ProxyNeeded,
            Self::ProxyOtherSignIn => Verdict::ProxySignInNeeded,
            Self::ProxyPage => Verdict::ProxyForbids,
            Self::OtherSignIn => Verdict::TokenRefused,
            Self::NotWithoutToken => Verdict::TokenMissing,
            Self::NoTls | Self::SentElsewhere | Self::SentOn | Self::Circles | Self::Gone => Verdict::WrongAddress,
            Self::WebPage
            | Self::TurnedDown
            | Self::FirstRefused
            | Self::WrongAnswer
            | Self::Unreadable
            | Self::Compressed
            | Self::TooLarge
            | Self::Unanswered
            | Self::Http2Only
            | Self::NoHttp => Verdict::NotMcp,
            Self::TooMany
            | Self::Fault
            | Self::Gateway
            | Self::Overloaded
            | Self::SessionLost
            | Self::ToolsDenied
            | Self::LaterUnfit
            | Self::Declined => Verdict::ServiceError,
            Self::NoTools
            | Self::ToolsTwice
            | Self::ToolsEndless
            | Self::ToolGone
            | Self::ToolFailed
            | Self::ToolAsks
            | Self::PartlyAllowed => Verdict::Working,
        }
    }
}
