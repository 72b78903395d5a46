//! The system's trust store, opened once for all who need it within a while: opening it takes tens of milliseconds, and
//! a hundred checks at once would wait for each other. It is opened anew after that, so that a certificate which an IT
//! department adds or takes back counts soon.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls_platform_verifier::Verifier;

use crate::error::{Code, Error, Result};

/// How long an opened store serves.
const FRESH: Duration = Duration::from_secs(10);
/// Stores that are kept open: one for each choice of extra certificates.
const MOST: usize = 4;

struct Opened {
    at: Instant,
    extra: Vec<CertificateDer<'static>>,
    verifier: Arc<Verifier>,
}

static OPENED: Mutex<Vec<Opened>> = Mutex::new(Vec::new());

/// Who judges certificates by the system's trust store and some more authorities.
///
/// # Errors
/// `Internal` where the system's trust store cannot be opened.
pub(super) fn verifier(extra: &[CertificateDer<'static>], provider: &Arc<CryptoProvider>) -> Result<Arc<Verifier>> {
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    opened.retain(|own| own.at.elapsed() < FRESH);
    if let Some(own) = opened.iter().find(|own| own.extra == extra) {
        return Ok(own.verifier.clone());
    }
    let verifier = Verifier::new_with_extra_roots(extra.iter().cloned(), provider.clone());
    let verifier = Arc::new(verifier.map_err(|_| closed())?);
    if opened.len() == MOST {
        opened.remove(0);
    }
    opened.push(Opened { at: Instant::now(), extra: extra.to_vec(), verifier: verifier.clone() });
    Ok(verifier)
}

/// The trust store cannot be opened.
pub(super) fn closed() -> Error {
    Error::new(Code::Internal, "The system's list of trusted certificates cannot be opened.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trust_store_is_opened_once_for_all_and_apart_for_other_authorities() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let extra = [patchbay_test_support::network::Authority::until(2100).der().into()];
        let open = |extra: &[CertificateDer<'static>]| verifier(extra, &provider).expect("it opens");
        let (first, second, other) = (open(&[]), open(&[]), open(&extra));
        assert!(Arc::ptr_eq(&first, &second), "once for all");
        assert!(!Arc::ptr_eq(&first, &other), "who is trusted for one connection is not for another");
        assert!(Arc::ptr_eq(&other, &open(&extra)));
    }
}
