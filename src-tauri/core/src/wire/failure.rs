//! Why a request failed, told by the types in an error's chain.

use std::error::Error as StdError;
use std::io::ErrorKind;

use super::ProxyFault;

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
    Tls(String),
    /// The network's proxy lets nothing through.
    #[error("{0}")]
    Proxy(ProxyFault),
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
    /// The answer was cut off, or is no HTTP.
    #[error("the answer was cut off")]
    Broken,
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
        Self::Broken
    }
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
    Some(WireError::Tls(tls_words(error.downcast_ref::<rustls::Error>()?)))
}

/// What is wrong with a connection's trust, in a few words.
pub(crate) fn tls_words(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired".to_owned()
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "its certificate is not valid yet; is this computer's clock right?".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for another name".to_owned(),
        // A bad signature is what an authority of the same name with another key makes.
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "nobody this computer trusts has signed its certificate; your company may be inspecting this connection, \
             and then its certificate file has to be added in Patchbay's settings, under Network"
                .to_owned()
        }
        Error::InvalidCertificate(_) => "its certificate is not accepted".to_owned(),
        _ => "no secure connection could be agreed on".to_owned(),
    }
}
