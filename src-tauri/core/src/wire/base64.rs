//! Base64, as headers carry it.

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The standard writing, with its padding.
pub fn base64(bytes: &[u8]) -> String {
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    bytes.chunks(3).fold(String::new(), |mut out, chunk| {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        let shown = chunk.len() + 1;
        (0..4).for_each(|n| out.push(if n < shown { digit(bits >> (18 - 6 * n)) } else { '=' }));
        out
    })
}

/// What a text stands for; `None` where it is no Base64. The padding may be missing.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = DIGITS.iter().position(|digit| *digit == byte)?;
        bits = bits << 6 | u32::try_from(digit).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_and_read_as_the_standard_says() {
        let known =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (text, written) in known {
            assert_eq!(base64(text.as_bytes()), written);
            assert_eq!(from_base64(written).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(base64(&[0xFB, 0xFF]), "+/8=");
        assert_eq!(from_base64("not base64"), None);
    }
}
