//! Whether the program beside this one can take its place. That is looked at before: what has begun to run does not come
//! back, and what cannot even begin is given to a shell by the system's library.

use std::fs::File;
use std::io::{Read, Result};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A program's first bytes (ELF, 64 bits).
type Header = [u8; 64];

/// Whether a file may be run; on Linux, whether it is a program for the machine that this one runs on, and as long as its
/// header says, too.
pub(crate) fn is_fit(program: &Path) -> bool {
    let may_be_run = |facts: &std::fs::Metadata| facts.is_file() && facts.mode() & 0o111 != 0;
    let Some(facts) = std::fs::metadata(program).ok().filter(may_be_run) else { return false };
    !cfg!(target_os = "linux") || is_whole(program, facts.len()).unwrap_or(false)
}

fn is_whole(program: &Path, length: u64) -> Result<bool> {
    let (own, other) = (header(Path::new("/proc/self/exe"))?, header(program)?);
    // The kind of file, its machine, and where the last of its parts ends.
    Ok(own[..7] == other[..7] && own[18..20] == other[18..20] && end(&other).is_some_and(|end| end <= length))
}

fn header(program: &Path) -> Result<Header> {
    let mut header = [0; 64];
    File::open(program)?.read_exact(&mut header)?;
    Ok(header)
}

/// Where the table of a program's sections ends, which linkers put last; 0 where that is not known.
fn end(header: &Header) -> Option<u64> {
    let is_known = header[4..6] == [2, 1]; // 64 bits, the least significant byte first.
    let number = |at: &[u8]| at.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    if !is_known {
        return Some(0);
    }
    number(&header[40..48]).checked_add(number(&header[58..60]) * number(&header[60..62]))
}
