//! Whom to trust is for the system to say; where it trusts nobody who signed a certificate, this looks at the names in it
//! as well, so that a wrong address is not taken for a company's inspection.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::certificates::signs_itself;

/// A certificate that nobody trusted has signed and that is for another name as well.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is signed by nobody who is trusted, and for another name")]
pub(in crate::wire) struct UnknownOtherName;

/// A certificate that is signed by itself alone.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is signed by itself")]
pub(in crate::wire) struct SignsItself;

/// A verifier that says more about what it refuses; it trusts what the one in it does, and nothing else.
#[derive(Debug)]
pub(super) struct Naming<V>(pub(super) Arc<V>);

impl<V: ServerCertVerifier> ServerCertVerifier for Naming<V> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let refused = match self.0.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Ok(verified) => return Ok(verified),
            Err(refused) => refused,
        };
        let is_unknown = matches!(
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
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[rustls::DistinguishedName]> {
        self.0.root_hint_subjects()
    }
}
