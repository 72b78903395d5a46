//! Reads one item of Linux's Secret Service, encrypted on its way as `dh-ietf1024-sha256-aes128-cbc-pkcs7` of the
//! specification says (<https://specifications.freedesktop.org/secret-service/latest/>, "Transfer of Secrets").
//!
//! The library that writes items reads them too, in three times as long as everything else that a bridge does at its
//! start: it raises to powers by plain division, with exponents of 1024 bits.

use std::collections::HashMap;
use std::sync::LazyLock;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use hkdf::Hkdf;
use num_bigint::BigUint;
use serde::Deserialize;
use zbus::blocking::Connection;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Type, Value};
use zeroize::Zeroizing;

const BUS_NAME: &str = "org.freedesktop.secrets";
const SERVICE_PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const ITEM: &str = "org.freedesktop.Secret.Item";
const ALGORITHM: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";

/// Bytes of the group's numbers.
const SIZE: usize = 128;
/// Bytes of a private exponent: twice what the cipher's key holds is enough in a group whose order has no small factors
/// (RFC 7919, 5.2), and takes a quarter of the time.
const EXPONENT: usize = 32;
/// The second Oakley group's prime (RFC 2409, 6.2); its generator is 2.
static PRIME: LazyLock<BigUint> = LazyLock::new(|| {
    const DIGITS: &[u8] = b"\
        FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
        020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
        4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
        EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";
    BigUint::parse_bytes(DIGITS, 16).unwrap_or_default()
});

/// Where items with such attributes are.
pub(super) struct Found {
    /// Those that can be read.
    pub(super) unlocked: Vec<OwnedObjectPath>,
    /// Those that a question stands before.
    pub(super) locked: Vec<OwnedObjectPath>,
}

/// Why an item cannot be read.
pub(super) enum Unread {
    /// The bus or the service says so.
    Bus(zbus::Error),
    /// What came is not what the specification says.
    Garbled,
}

impl From<zbus::Error> for Unread {
    fn from(error: zbus::Error) -> Self {
        Self::Bus(error)
    }
}

/// A secret as it is sent: session, initialization vector, encrypted bytes, kind.
type Sent = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// Looks for items; never asks the person.
pub(super) fn search(bus: &Connection, attributes: &HashMap<&str, &str>) -> Result<Found, Unread> {
    let (unlocked, locked) = call(bus, SERVICE_PATH, SERVICE, "SearchItems", &(attributes,))?;
    Ok(Found { unlocked, locked })
}

/// A session in which secrets are sent.
pub(super) struct Session {
    path: OwnedObjectPath,
    own: Exponent,
    theirs: Vec<u8>,
}

impl Session {
    /// Opens one, which takes the keychain longer than all else that is asked of it.
    pub(super) fn open(bus: &Connection) -> Result<Self, Unread> {
        let own = Exponent::draw()?;
        let (theirs, path): (OwnedValue, OwnedObjectPath) =
            call(bus, SERVICE_PATH, SERVICE, "OpenSession", &(ALGORITHM, Value::from(own.public())))?;
        Ok(Self { path, own, theirs: Vec::<u8>::try_from(theirs).map_err(|_| Unread::Garbled)? })
    }

    /// Reads an item, and comes to the key while it is on its way.
    pub(super) fn read(self, bus: &Connection, item: &ObjectPath<'_>) -> Result<Vec<u8>, Unread> {
        let (sent, key) = std::thread::scope(|scope| {
            let key = scope.spawn(|| self.own.key(&self.theirs));
            (call(bus, item.as_str(), ITEM, "GetSecret", &(&self.path,)), key.join())
        });
        let key = key.ok().flatten().ok_or(Unread::Garbled)?;
        let (_, vector, mut bytes, _): Sent = sent?;
        decrypt(&key, &vector, &mut bytes).ok_or(Unread::Garbled)?;
        Ok(bytes)
    }
}

fn call<T>(
    bus: &Connection,
    path: &str,
    interface: &str,
    method: &str,
    body: &(impl serde::Serialize + DynamicType),
) -> Result<T, Unread>
where
    T: for<'de> Deserialize<'de> + Type,
{
    let reply = bus.call_method(Some(BUS_NAME), path, Some(interface), method, body)?;
    Ok(reply.body().deserialize()?)
}

/// A private exponent.
struct Exponent(BigUint);

impl Exponent {
    fn draw() -> Result<Self, Unread> {
        let mut bytes = Zeroizing::new([0; EXPONENT]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| Unread::Garbled)?;
        Ok(Self(BigUint::from_bytes_be(bytes.as_slice())))
    }

    /// What the other side is told.
    fn public(&self) -> Vec<u8> {
        padded(&BigUint::from(2_u32).modpow(&self.0, &PRIME)).to_vec()
    }

    /// The key that both sides come to; none where the other side's number would make it one that anybody can tell.
    fn key(&self, theirs: &[u8]) -> Option<Zeroizing<[u8; 16]>> {
        let (theirs, one) = (BigUint::from_bytes_be(theirs), BigUint::from(1_u32));
        if theirs <= one || theirs >= &*PRIME - &one {
            return None;
        }
        let shared = padded(&theirs.modpow(&self.0, &PRIME));
        let mut key = Zeroizing::new([0; 16]);
        Hkdf::<sha2::Sha256>::new(None, shared.as_slice()).expand(&[], key.as_mut_slice()).ok()?;
        Some(key)
    }
}

/// A number of the group at its full length.
fn padded(number: &BigUint) -> Zeroizing<[u8; SIZE]> {
    let bytes = Zeroizing::new(number.to_bytes_be());
    let mut whole = Zeroizing::new([0; SIZE]);
    whole[SIZE - bytes.len()..].copy_from_slice(&bytes);
    whole
}

/// Decrypts in place and cuts the padding off.
fn decrypt(key: &[u8; 16], vector: &[u8], bytes: &mut Vec<u8>) -> Option<()> {
    let cipher = cbc::Decryptor::<aes::Aes128>::new_from_slices(key, vector).ok()?;
    let length = cipher.decrypt_padded::<Pkcs7>(bytes).ok()?.len();
    bytes.truncate(length);
    Some(())
}

#[cfg(test)]
mod tests {
    use aes::cipher::BlockModeEncrypt;

    use super::*;

    fn exponent() -> Exponent {
        Exponent::draw().map_err(|_| "no exponent").expect("drawn")
    }

    #[test]
    fn both_sides_come_to_the_same_key_also_where_the_shared_number_is_short() {
        let mut short = 0;
        while short < 2 {
            let (own, other) = (exponent(), exponent());
            let shared = BigUint::from_bytes_be(&other.public()).modpow(&own.0, &PRIME);
            if shared.to_bytes_be().len() < SIZE {
                short += 1;
                assert_eq!(own.key(&other.public()), other.key(&own.public()));
            }
        }
        assert_ne!(exponent().key(&exponent().public()), exponent().key(&exponent().public()));
    }

    #[test]
    fn the_prime_is_the_groups() {
        // p = 2q + 1 with q prime, so by Fermat 2^q is 1 or -1; any wrong digit breaks it.
        let q = &*PRIME >> 1;
        assert_eq!(PRIME.bits(), 1024);
        let power = BigUint::from(2_u32).modpow(&q, &PRIME);
        assert!(power == BigUint::from(1_u32) || power == &*PRIME - 1_u32);
    }

    #[test]
    fn numbers_that_give_the_key_away_are_refused() {
        for bad in [vec![], vec![0], vec![1], (&*PRIME - 1_u32).to_bytes_be(), PRIME.to_bytes_be(), vec![0xff; 200]] {
            assert!(exponent().key(&bad).is_none());
        }
    }

    #[test]
    fn what_was_encrypted_comes_back_and_garbage_does_not() {
        let (key, vector) = ([7; 16], [9; 16]);
        for text in ["", "short", "sixteen bytes!!!", "longer than a block of the cipher"] {
            let mut sent = [0; 64];
            let cipher = cbc::Encryptor::<aes::Aes128>::new(&key.into(), &vector.into());
            sent[..text.len()].copy_from_slice(text.as_bytes());
            let mut bytes = cipher.encrypt_padded::<Pkcs7>(&mut sent, text.len()).expect("room").to_vec();
            assert!(decrypt(&key, &vector, &mut bytes).is_some());
            assert_eq!(bytes, text.as_bytes());
        }
        assert!(decrypt(&key, &vector, &mut vec![1; 15]).is_none());
        assert!(decrypt(&key, &[9; 15], &mut vec![1; 16]).is_none());
        assert!(decrypt(&key, &vector, &mut vec![1; 16]).is_none());
    }
}
