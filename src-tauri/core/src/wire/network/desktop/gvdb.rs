//! The format of dconf's databases (GVDB), as far as a value is looked up in one.
//!
//! What a file says of itself is believed nowhere: whatever does not fit is not there. Databases of machines that write
//! their numbers the other way round are none.

/// A hash table of a database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    file: &'a [u8],
    buckets: &'a [u8],
    items: &'a [u8],
}

/// What a table holds under a name: hash, parent, name (start, length), kind, value (start, end).
const ITEM: usize = 24;
const VALUE: u8 = b'v';
const TABLE: u8 = b'H';
/// Names are made of at most so many parts.
const DEEPEST: usize = 32;

impl<'a> Table<'a> {
    /// A database's first table; `None` where it is no database.
    pub(super) fn first(file: &'a [u8]) -> Option<Self> {
        let version = number(file, 8)?;
        if !file.starts_with(b"GVariant") || version != 0 {
            return None;
        }
        Self::of(file, file.get(16..24)?)
    }

    fn of(file: &'a [u8], pointer: &[u8]) -> Option<Self> {
        let whole = pointed(file, pointer)?;
        // A filter that tells quickly what is not there; its uppermost bits are no part of its length.
        let filter = number(whole, 0)? & 0x07ff_ffff;
        let rest = whole.get(8_usize.checked_add(filter.checked_mul(4)?)?..)?;
        let (buckets, items) = rest.split_at_checked(number(whole, 4)?.checked_mul(4)?)?;
        Some(Self { file, buckets, items })
    }

    /// A value by its whole name.
    pub(super) fn value(&self, name: &str) -> Option<Value<'a>> {
        let whole = pointed(self.file, self.find(name, VALUE)?.get(16..24)?)?;
        let at = whole.iter().rposition(|byte| *byte == 0)?;
        Some(Value { kind: &whole[at + 1..], bytes: &whole[..at] })
    }

    /// A table within this one.
    pub(super) fn table(&self, name: &str) -> Option<Self> {
        Self::of(self.file, self.find(name, TABLE)?.get(16..24)?)
    }

    fn find(&self, name: &str, kind: u8) -> Option<&'a [u8]> {
        let hash = hash(name);
        let bucket = hash.checked_rem(self.buckets.len() / 4)?;
        let start = number(self.buckets, bucket * 4)?;
        let all = self.items.len() / ITEM;
        let end = number(self.buckets, (bucket + 1) * 4).unwrap_or(all).min(all);
        let is_it =
            |item: &&[u8]| number(item, 0) == Some(hash) && item[14] == kind && self.is_named(item, name) == Some(true);
        (start..end).filter_map(|at| self.item(at)).find(is_it)
    }

    fn item(&self, at: usize) -> Option<&'a [u8]> {
        let start = at.checked_mul(ITEM)?;
        self.items.get(start..start.checked_add(ITEM)?)
    }

    /// Whether an item's own part of the name and those of all above it make up the name.
    fn is_named(&self, item: &'a [u8], name: &str) -> Option<bool> {
        let (mut item, mut rest) = (item, name.as_bytes());
        for _ in 0..DEEPEST {
            let start = number(item, 8)?;
            let length = usize::from(u16::from_le_bytes(item.get(12..14)?.try_into().ok()?));
            rest = rest.strip_suffix(self.file.get(start..start.checked_add(length)?)?)?;
            match number(item, 4)? {
                above if above == u32::MAX as usize => return Some(rest.is_empty()),
                above => item = self.item(above)?,
            }
        }
        None
    }
}

/// A value with its kind, as `GVariant` writes them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    kind: &'a [u8],
    bytes: &'a [u8],
}

impl Value<'_> {
    /// A text.
    pub(super) fn text(&self) -> Option<String> {
        let bytes = self.of_kind(b"s")?.strip_suffix(&[0])?;
        String::from_utf8(bytes.to_vec()).ok()
    }

    /// Several texts.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        let bytes = self.of_kind(b"as")?;
        // At the end stands where each of them ends; none of them has a zero within.
        let width = match bytes.len() {
            0 => return Some(Vec::new()),
            1..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        };
        let last = bytes.get(bytes.len().checked_sub(width)?..)?;
        let end = last.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
        let all = std::str::from_utf8(bytes.get(..end)?.strip_suffix(&[0])?).ok()?;
        Some(all.split('\0').map(str::to_owned).collect())
    }

    /// A whole number.
    pub(super) fn number(&self) -> Option<i32> {
        Some(i32::from_le_bytes(self.of_kind(b"i")?.try_into().ok()?))
    }

    /// Whether it is so.
    pub(super) fn is_true(&self) -> Option<bool> {
        Some(self.of_kind(b"b")? == [1])
    }

    fn of_kind(&self, kind: &[u8]) -> Option<&[u8]> {
        (self.kind == kind).then_some(self.bytes)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(digits.try_into().ok()?)).ok()
}

fn pointed<'a>(file: &'a [u8], pointer: &[u8]) -> Option<&'a [u8]> {
    file.get(number(pointer, 0)?..number(pointer, 4)?)
}

/// The hash of names in the format: Bernstein's, over signed bytes.
fn hash(name: &str) -> usize {
    let step = |hash: u32, byte: u8| hash.wrapping_mul(33).wrapping_add_signed(i32::from(byte.cast_signed()));
    name.bytes().fold(5381, step) as usize
}
