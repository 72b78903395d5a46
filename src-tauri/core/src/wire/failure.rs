//! Why a request failed, told by the types in an error's chain.

use std::error::Error as StdError;
use std::io::ErrorKind;

use super::network::{SignsItself, UnknownOtherName, is_for_signing};
use super::{ProxyFault, Unused};

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The host's name is not known.
    #[error("there is no such name")]
    Name,
    /// Nobody answers there, or the way there is cut.
    #[error("it cannot be reached")]
    Connect,
    /// The connection is not trusted.
    #[error("the connection is not trusted: {0}")]
    Tls(Distrust),
    /// The network's proxy lets nothing through.
    #[error("{0}")]
    Proxy(ProxyFault),
    /// Nobody answers, and a way that there is was not used.
    #[error("it cannot be reached, and there is a way that was not used")]
    Unused(Unused),
    /// It took too long.
    #[error("it took too long")]
    Timeout,
    /// It sends the caller to another origin; nothing was sent there.
    #[error("it sends to another place: {0}")]
    OtherOrigin(String),
    /// It sends the caller in circles.
    #[error("it sends in circles")]
    Circles,
    /// The answer is larger than allowed.
    #[error("the answer is too large")]
    TooLarge,
    /// What answers does not speak HTTP/1.
    #[error("the answer is no HTTP")]
    NoHttp,
    /// What answers speaks HTTP/2 alone, and that in clear text.
    #[error("it speaks only HTTP/2 without encryption")]
    Http2Only,
    /// The answer was cut off.
    #[error("the answer was cut off")]
    Broken,
}

/// Why a connection is not trusted, in words that go on after a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// The certificate is of the past.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate is of the future.
    #[error("its certificate is not valid yet; is this computer's clock right?")]
    Early,
    /// The certificate is for another host.
    #[error("its certificate is for another name")]
    OtherName,
    /// The certificate is signed by nobody who is trusted.
    #[error(
        "nobody this computer trusts has signed its certificate; your company may be inspecting this connection, and then its certificate file has to be added in Patchbay's settings, under Network"
    )]
    Unknown,
    /// The certificate is signed by itself alone.
    #[error(
        "its certificate is signed by nobody but itself; if that is meant to be so, add the certificate in Patchbay's settings, under Network"
    )]
    SignsItself,
    /// The certificate is signed by nobody who is trusted, and it is for another host.
    #[error(
        "nobody this computer trusts has signed its certificate, and it is for another name; compare the address with the service's own page, and if it is right, ask whoever looks after your network, which may be inspecting this connection"
    )]
    UnknownOtherName,
    /// The certificate is one for signing others.
    #[error("its certificate is one for signing others; whoever runs the service has to make another for it")]
    Signer,
    /// The certificate is unfit in another way.
    #[error("its certificate is not accepted")]
    Bad,
    /// What answers does not speak TLS.
    #[error("what answers there does not protect its connections")]
    NoTls,
    /// No version or cipher in common.
    #[error("no secure connection could be agreed on")]
    Disagree,
    /// It wants its callers to prove themselves.
    #[error(
        "it wants this computer to prove itself with a certificate, which Patchbay does not have; ask its support for an address that takes a token alone"
    )]
    WantsCertificate,
    /// It does not know the name that it was asked for.
    #[error("what answers there does not know the name in this address; compare it with the service's own page")]
    NameUnknown,
    /// It breaks off for another reason.
    #[error("it breaks off while the connection is being protected; try again in a while")]
    BreaksOff,
}

impl WireError {
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let chain = || chain(error);
        if let Some(tls) = chain().find_map(tls) {
            return tls;
        }
        if error.is_timeout() || chain().any(|cause| io_kind(cause) == Some(ErrorKind::TimedOut)) {
            return Self::Timeout;
        }
        if error.is_dns() {
            return Self::Name;
        }
        if error.is_connect() {
            return Self::Connect;
        }
        chain().find_map(no_http).unwrap_or(Self::Broken)
    }
}

/// What the HTTP library cannot read: too much of a head, or none at all.
fn no_http(error: &(dyn StdError + 'static)) -> Option<WireError> {
    let error = error.downcast_ref::<hyper::Error>().filter(|error| error.is_parse())?;
    Some(if error.is_parse_too_large() { WireError::TooLarge } else { WireError::NoHttp })
}

/// All causes. An I/O error passes over the error in it when asked for its source, however deep they are wrapped.
fn chain<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let this = next?;
        let wrapped = this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = wrapped.map(|inner| -> &(dyn StdError + 'static) { inner }).or_else(|| this.source());
        Some(this)
    })
}

fn io_kind(error: &(dyn StdError + 'static)) -> Option<ErrorKind> {
    error.downcast_ref::<std::io::Error>().map(std::io::Error::kind)
}

/// The TLS library's own error.
fn tls(error: &(dyn StdError + 'static)) -> Option<WireError> {
    Some(WireError::Tls(Distrust::of(error.downcast_ref::<rustls::Error>()?)))
}

impl Distrust {
    /// What the TLS library has no word of its own for.
    fn of_other(error: &rustls::OtherError) -> Self {
        if error.0.is::<UnknownOtherName>() {
            Self::UnknownOtherName
        } else if error.0.is::<SignsItself>() {
            Self::SignsItself
        } else if is_for_signing(error) {
            Self::Signer
        } else {
            Self::Bad
        }
    }

    /// What is said by who breaks off (RFC 8446, 6.2).
    fn of_alert(alert: rustls::AlertDescription) -> Self {
        use rustls::AlertDescription as Alert;
        match alert {
            Alert::CertificateRequired | Alert::NoCertificate => Self::WantsCertificate,
            Alert::UnrecognisedName => Self::NameUnknown,
            Alert::HandshakeFailure
            | Alert::ProtocolVersion
            | Alert::InsufficientSecurity
            | Alert::NoApplicationProtocol
            | Alert::MissingExtension
            | Alert::UnsupportedExtension => Self::Disagree,
            _ => Self::BreaksOff,
        }
    }

    /// What is wrong with a connection's trust.
    pub(crate) fn of(error: &rustls::Error) -> Self {
        use rustls::{CertificateError, Error};
        match error {
            Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
                Self::Expired
            }
            Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
                Self::Early
            }
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => Self::OtherName,
            // A bad signature is what an authority of the same name with another key makes.
            Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
                Self::Unknown
            }
            Error::InvalidCertificate(CertificateError::Other(other)) => Self::of_other(other),
            Error::InvalidCertificate(_) => Self::Bad,
            Error::InvalidMessage(_) => Self::NoTls,
            Error::AlertReceived(alert) => Self::of_alert(*alert),
            _ => Self::Disagree,
        }
    }
}
