//! The other side of RFC 9449: what a server looks at in a proof (4.3), written from the standard alone.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A proof whose signature is that of the key in it.
#[derive(Debug, Clone)]
pub struct Proof {
    /// What it says.
    pub claims: Value,
    /// The thumbprint of its key (RFC 7638).
    pub key: String,
}

impl Proof {
    /// Reads a proof for a request, to which the token belongs where one is sent along; what is wrong with it. The time in
    /// it is for the caller to judge.
    ///
    /// # Errors
    /// The first thing that a server has to refuse it for.
    pub fn of(text: &str, method: &str, address: &str, token: Option<&str>) -> Result<Self, String> {
        let parts: Vec<_> = text.split('.').collect();
        let [head, claims, signature] = parts[..] else { return Err("it has not three parts".to_owned()) };
        let read = |part: &str| serde_json::from_slice::<Value>(&decoded(part)?).ok();
        let (Some(names), Some(claims)) = (read(head), read(claims)) else { return Err("it is no JSON".to_owned()) };
        let wrong = |what: &str| Err(format!("{what}: {names} {claims}"));
        let jwk = &names["jwk"];
        let (Some(x), Some(y)) = (jwk["x"].as_str(), jwk["y"].as_str()) else { return wrong("it has no key") };
        if names != json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": { "kty": "EC", "crv": "P-256", "x": x, "y": y } })
        {
            return wrong("its header is another");
        }
        let (Some(across), Some(up), Some(signature)) = (decoded(x), decoded(y), decoded(signature)) else {
            return wrong("it is not encoded");
        };
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [vec![4], across, up].concat());
        let said = &text[..text.rfind('.').unwrap_or_default()];
        if key.verify(said.as_bytes(), &signature).is_err() {
            return wrong("it is not signed");
        }
        if claims["htm"] != method || claims["htu"] != address {
            return wrong("it is for another request");
        }
        if claims["ath"] != token.map_or(Value::Null, |token| hash(token).into()) {
            return wrong("it is for another token");
        }
        if claims["jti"].as_str().is_none_or(|id| id.len() < 16) || !claims["iat"].is_i64() {
            return wrong("it has no name or no time");
        }
        Ok(Self { key: thumbprint(x, y), claims })
    }

    /// Its name.
    pub fn id(&self) -> String {
        self.claims["jti"].as_str().unwrap_or_default().to_owned()
    }

    /// The nonce in it.
    pub fn nonce(&self) -> Option<&str> {
        self.claims["nonce"].as_str()
    }

    /// When it says that it was made, in seconds.
    pub fn made(&self) -> i64 {
        self.claims["iat"].as_i64().unwrap_or_default()
    }
}

/// The thumbprint of a key on P-256.
pub fn thumbprint(x: &str, y: &str) -> String {
    hash(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
}

/// The hash of a token, as proofs name it.
pub fn hash(text: &str) -> String {
    encoded(digest(&SHA256, text.as_bytes()).as_ref())
}

fn encoded(bytes: &[u8]) -> String {
    let bits = bits(bytes, 8);
    let digit = |six: &[u8]| usize::from(number(six)) << (6 - six.len());
    bits.chunks(6).map(|six| char::from(DIGITS[digit(six)])).collect()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| u8::try_from(DIGITS.iter().position(|known| *known == byte)?).ok();
    let digits: Vec<u8> = text.bytes().map(digit).collect::<Option<_>>()?;
    Some(bits(&digits, 6).chunks_exact(8).map(number).collect())
}

fn bits(numbers: &[u8], each: u8) -> Vec<u8> {
    numbers.iter().flat_map(|number| (0..each).rev().map(move |n| number >> n & 1)).collect()
}

fn number(bits: &[u8]) -> u8 {
    bits.iter().fold(0, |number, bit| number << 1 | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_and_hashes_are_those_of_the_standards_own_example() {
        let (x, y) = ("l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA");
        assert_eq!(thumbprint(x, y), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        let token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
        assert_eq!(hash(token), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }
}
