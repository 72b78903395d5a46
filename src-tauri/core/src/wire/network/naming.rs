//! Whom to trust is for the system to say; where it trusts nobody who signed a certificate, this looks at the names in it
//! as well, so that a wrong address is not taken for a company's inspection.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::certificates::{signs_itself, validity};

/// A certificate that nobody trusted has signed and that is for another name as well.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is signed by nobody who is trusted, and for another name")]
pub(in crate::wire) struct UnknownOtherName;

/// A certificate that is signed by itself alone.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is signed by itself")]
pub(in crate::wire) struct SignsItself;

/// A verifier that says more about what it refuses. It trusts what the one in it does, and besides that only the very
/// certificates that are given to it, where they are shown.
#[derive(Debug)]
pub(super) struct Naming<V> {
    pub(super) verifier: Arc<V>,
    pub(super) own: Vec<CertificateDer<'static>>,
}

/// Whether a certificate is refused because it is one for signing others.
pub(in crate::wire) fn is_for_signing(error: &OtherError) -> bool {
    error.0.to_string() == "CaUsedAsEndEntity"
}

/// What is looked at in a certificate that is trusted as it is: whom it is for, and when.
fn fits(certificate: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<ServerCertVerified, Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
    let (begin, end) = validity(certificate).ok_or(CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < begin.as_second() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > end.as_second() {
        return Err(CertificateError::Expired.into());
    }
    Ok(ServerCertVerified::assertion())
}

impl<V: ServerCertVerifier> ServerCertVerifier for Naming<V> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let refused = match self.verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Ok(verified) => return Ok(verified),
            Err(refused) => refused,
        };
        // As tools make them by default: for signing, so that the verifier takes them for nothing else.
        let is_signer =
            |error: &CertificateError| matches!(error, CertificateError::Other(other) if is_for_signing(other));
        let is_signer = matches!(&refused, Error::InvalidCertificate(error) if is_signer(error));
        let is_alone = is_signer && signs_itself(end_entity);
        if is_alone && self.own.iter().any(|own| own.as_ref() == end_entity.as_ref()) {
            return fits(end_entity, name, now);
        }
        let is_unknown = is_alone
            || matches!(
                refused,
                Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)
            );
        let names = ParsedCertificate::try_from(end_entity).map(|parsed| verify_server_name(&parsed, name));
        if is_unknown && matches!(names, Ok(Err(_))) {
            return Err(CertificateError::Other(OtherError(Arc::new(UnknownOtherName))).into());
        }
        if is_unknown && signs_itself(end_entity) {
            return Err(CertificateError::Other(OtherError(Arc::new(SignsItself))).into());
        }
        Err(refused)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.verifier.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[rustls::DistinguishedName]> {
        self.verifier.root_hint_subjects()
    }
}
