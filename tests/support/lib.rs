//! What several test binaries share: a pretend home with apps' files in it, the practice service's scripts' side, the search
//! for tokens where none may be, a judge of proofs, and how often to repeat a law.

pub mod canary;
pub mod network;
pub mod practice;
pub mod proof;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A home folder of its own, gone when dropped.
pub struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    /// An empty home in which Claude Desktop, Claude Code and Codex are installed, and no other app.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::create_dir_all(folder.path().join(".config/Claude")).expect("a folder");
        std::fs::create_dir_all(folder.path().join(".codex")).expect("a folder");
        std::fs::create_dir_all(folder.path().join(".claude")).expect("a folder");
        Self { folder }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Patchbay's data folder in it.
    pub fn data(&self) -> PathBuf {
        self.path().join("patchbay-data")
    }

    /// An app's file.
    pub fn file(&self, client: &str) -> PathBuf {
        self.path().join(match client {
            "claude-desktop" => ".config/Claude/claude_desktop_config.json",
            "claude-code" => ".claude.json",
            "codex" => ".codex/config.toml",
            "cline" => ".cline/data/settings/cline_mcp_settings.json",
            other => panic!("no app {other}"),
        })
    }

    /// Writes an app's file.
    pub fn write(&self, client: &str, text: &str) {
        std::fs::write(self.file(client), text).expect("the file can be written");
    }

    /// Reads an app's file.
    pub fn read(&self, client: &str) -> String {
        std::fs::read_to_string(self.file(client)).expect("the file can be read")
    }

    /// The environment that leads here and nowhere else.
    pub fn env(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.to_str().expect("a plain path").to_owned();
        BTreeMap::from([
            ("HOME".to_owned(), text(self.path())),
            ("PATCHBAY_DATA_DIR".to_owned(), text(&self.data())),
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ])
    }

    /// Every file below it that holds `needle`.
    pub fn files_with(&self, needle: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else if std::fs::read(&path).is_ok_and(|bytes| contains(&bytes, needle.as_bytes())) {
                    found.push(path);
                }
            }
        }
        found
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether bytes hold a sequence.
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// How many cases a law gets: `ordinary` ones, or 100,000 in `cargo xtask test --thorough`, which sets
/// `PATCHBAY_THOROUGH`. A law may turn down as many as `cases(1024)`: proptest's own limit does not grow with the cases.
pub fn cases(ordinary: u32) -> u32 {
    if std::env::var_os("PATCHBAY_THOROUGH").is_some() { 100_000 } else { ordinary }
}
