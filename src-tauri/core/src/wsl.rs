//! The Linuxes that run inside Windows: their homes, so that apps used there are found.
//!
//! Only distributions that run already are looked at: opening a folder of one that does not would start it.

#[cfg(windows)]
use std::path::PathBuf;

use crate::host::Wsl;

/// The homes of the running distributions. Nothing on other systems.
#[cfg(not(windows))]
pub fn homes() -> Vec<Wsl> {
    Vec::new()
}

/// The homes of the running distributions.
#[cfg(windows)]
pub fn homes() -> Vec<Wsl> {
    use std::os::windows::process::CommandExt;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    let mut list = std::process::Command::new("wsl.exe");
    let output = list.args(["--list", "--running", "--quiet"]).creation_flags(CREATE_NO_WINDOW).output();
    let names = output.map(|output| distributions(&output.stdout)).unwrap_or_default();
    let homes = |name: &String| {
        let folder = PathBuf::from(format!(r"\\wsl.localhost\{name}\home"));
        let users = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let home = |user: std::fs::DirEntry| Wsl { distribution: name.clone(), home: user.path() };
        users.map(home).collect::<Vec<_>>()
    };
    names.iter().flat_map(homes).collect()
}

/// The names that `wsl.exe --list --quiet` prints: UTF-16 of small end first, or UTF-8 where `WSL_UTF8` is set. Docker's
/// own distributions hold nobody's home.
pub fn distributions(output: &[u8]) -> Vec<String> {
    let text = if output.contains(&0) {
        let units = output.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    } else {
        String::from_utf8_lossy(output).into_owned()
    };
    let names = text.lines().map(|line| line.trim_matches(['\u{feff}', '\0', ' ', '\t', '\r']));
    names.filter(|name| !name.is_empty() && !name.starts_with("docker-desktop")).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::distributions;

    #[test]
    fn names_are_read_in_both_encodings() {
        let text = "Ubuntu-24.04\r\ndocker-desktop\r\nDebian\r\n\r\n";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(distributions(&wide), ["Ubuntu-24.04", "Debian"]);
        assert_eq!(distributions(text.as_bytes()), ["Ubuntu-24.04", "Debian"]);
        assert!(distributions(b"").is_empty());
    }
}
