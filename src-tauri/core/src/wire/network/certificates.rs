//! Extra certificate files: PEM with one certificate or several, or DER with one.
//!
//! TLS libraries take a trusted certificate's dates for granted, so its end is read here.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{PemObject, SectionKind};

use crate::error::{Code, Error, Result};

/// What is longer is no certificate file.
const MOST: u64 = 4 * 1024 * 1024;

/// Reads the certificates in a file that have not ended.
///
/// # Errors
/// `CertificateUnfit`: the file is not there, cannot be read, holds a private key or no certificate, or all of them
/// have ended.
pub fn read_certificates(path: &Path, now: Timestamp) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = bytes(path)?;
    let all = if bytes.windows(10).any(|window| window == b"-----BEGIN") {
        of_pem(&bytes, path)?
    } else {
        of_der(bytes, path)?
    };
    for certificate in &all {
        let mut store = rustls::RootCertStore::empty();
        if store.add(certificate.clone()).is_err() {
            return Err(none(path));
        }
    }
    let ended = |certificate: &CertificateDer<'static>| end(certificate).filter(|end| *end <= now);
    let last = all.iter().filter_map(ended).max();
    let sound: Vec<_> = all.into_iter().filter(|certificate| ended(certificate).is_none()).collect();
    match last.filter(|_| sound.is_empty()) {
        Some(last) => {
            let day = last.to_zoned(TimeZone::UTC).date();
            Err(unfit(path, &format!("The certificate in this file has ended on {day}"))
                .hint("Ask your IT department for the new one."))
        }
        None => Ok(sound),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let found = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if found.is_dir() {
        return Err(unfit(path, "This is a folder, not a certificate file").hint("Choose the file in it."));
    }
    // A device or a pipe might never end.
    if !found.is_file() || found.len() > MOST {
        return Err(none(path));
    }
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => unfit(path, "There is no such certificate file")
            .hint("Choose the file again, or take it out under Network in Patchbay's settings."),
        _ => unfit(path, "The certificate file cannot be read").hint("Change its permissions, then try again."),
    }
}

fn of_pem(bytes: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let mut all = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
        match section {
            Ok((SectionKind::Certificate, der)) => all.push(der.into()),
            Ok((SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey, _)) => {
                return Err(key(path));
            }
            Ok(_) => {}
            Err(_) => return Err(none(path)),
        }
    }
    // An encrypted key is a section of a kind that the library does not know.
    if bytes.windows(11).any(|window| window == b"PRIVATE KEY") {
        return Err(key(path));
    }
    if all.is_empty() { Err(none(path)) } else { Ok(all) }
}

fn of_der(bytes: Vec<u8>, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    // Keys and their containers (PKCS #8, #1, #12) begin with a number, certificates with what was signed.
    if element(&bytes).and_then(|(_, inside, _)| element(inside)).is_some_and(|(tag, ..)| tag == INTEGER) {
        return Err(key(path));
    }
    Ok(vec![bytes.into()])
}

fn unfit(path: &Path, what: &str) -> Error {
    Error::new(Code::CertificateUnfit, format!("{what}: {}", path.display())).at(path).field("certificates")
}

fn none(path: &Path) -> Error {
    unfit(path, "There is no certificate in this file")
        .hint("Choose a file that ends in .pem, .crt or .cer; your IT department has it.")
}

fn key(path: &Path) -> Error {
    unfit(path, "There is a private key in this file, which nobody needs to be trusted")
        .hint("Choose the file that has the certificate alone.")
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const VERSION: u8 = 0xa0;

/// A DER element: its tag, what is inside, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        let length =
            digits.iter().try_fold(0_usize, |sum, digit| sum.checked_mul(256)?.checked_add((*digit).into()))?;
        (length, rest)
    };
    let (inside, after) = rest.split_at_checked(length)?;
    Some((tag, inside, after))
}

/// What stands in a certificate from its number on (RFC 5280, 4.1), and the three parts before its dates: number, kind
/// of signature, who signed.
fn beginning(certificate: &[u8]) -> Option<&[u8]> {
    let (_, whole, _) = element(certificate)?;
    let (_, rest, _) = element(whole)?;
    if element(rest)?.0 == VERSION { Some(element(rest)?.2) } else { Some(rest) }
}

/// Whether whoever signed a certificate has the name of whom it is for.
pub(super) fn signs_itself(certificate: &[u8]) -> bool {
    let names = || {
        let after_number = element(beginning(certificate)?)?.2;
        let (_, issuer, dates) = element(element(after_number)?.2)?;
        let (_, subject, _) = element(element(dates)?.2)?;
        Some((issuer, subject))
    };
    names().is_some_and(|(issuer, subject)| issuer == subject)
}

/// A certificate's `notAfter` (RFC 5280, 4.1).
fn end(certificate: &[u8]) -> Option<Timestamp> {
    validity(certificate).map(|(_, end)| end)
}

/// A certificate's first and last moment (RFC 5280, 4.1).
pub(super) fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let mut rest = beginning(certificate)?;
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (_, validity, _) = element(rest)?;
    Some((time(validity)?, time(element(validity)?.2)?))
}

/// The moment that a text begins with.
fn time(text: &[u8]) -> Option<Timestamp> {
    let (tag, text, _) = element(text)?;
    let text = std::str::from_utf8(text).ok()?;
    let century = match tag {
        UTC_TIME if text < "50" => "20",
        UTC_TIME => "19",
        _ => "",
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", format!("{century}{text}")).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
