//! Finding a program the way the system does, for an app.

use std::path::{Path, PathBuf};

use super::{Finding, FindingKind, Notes};
use crate::host::Platform;

/// Looks for a program along a `PATH`, or from a folder where its name is a path.
pub(super) fn look(name: &str, along: Option<&str>, folder: &Path, platform: Platform) -> Option<PathBuf> {
    let endings: &[&str] = match platform {
        Platform::Windows if Path::new(name).extension().is_none() => &[".exe", ".cmd", ".bat"],
        Platform::Linux | Platform::MacOs | Platform::Windows => &[""],
    };
    let is_path = name.contains('/') || platform == Platform::Windows && name.contains('\\');
    let there = |base: PathBuf| {
        let ended = |ending: &&str| PathBuf::from(format!("{}{ending}", base.display()));
        endings.iter().map(ended).find(|file| file.is_file())
    };
    if is_path {
        return there(folder.join(name));
    }
    let separator = if platform == Platform::Windows { ';' } else { ':' };
    // The first one that may be started; one that may not is told where there is no other.
    let mut all =
        along?.split(separator).filter(|dir| !dir.is_empty()).filter_map(|dir| there(Path::new(dir).join(name)));
    let first = all.next()?;
    if may_start(&first, platform) { Some(first) } else { all.find(|file| may_start(file, platform)).or(Some(first)) }
}

/// Whether the system would start a file.
pub(super) fn may_start(file: &Path, platform: Platform) -> bool {
    #[cfg(unix)]
    if platform != Platform::Windows {
        use std::os::unix::fs::PermissionsExt;
        return std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    }
    let _ = platform;
    file.is_file()
}

/// Where programs are looked for, by the app and by a terminal.
pub(super) struct Places<'a> {
    pub(super) app: Option<&'a str>,
    pub(super) shell: Option<&'a str>,
    pub(super) folder: &'a Path,
    pub(super) platform: Platform,
}

impl Places<'_> {
    /// The program that an app would start by this name; what is wrong with it is noted.
    pub(super) fn program(&self, name: &str, notes: &mut Notes) -> Option<PathBuf> {
        let Some(program) = look(name, self.app, self.folder, self.platform) else {
            notes.add(self.missing(name));
            return None;
        };
        if !may_start(&program, self.platform) {
            notes.add(Finding::new(FindingKind::NotExecutable).named(program.display().to_string()));
            return None;
        }
        if let Some(needed) = interpreter(&program)
            && look(&needed, self.app, self.folder, self.platform).is_none()
        {
            let mut finding = Finding::new(FindingKind::NeedsProgram).named(&needed);
            finding.there = self.in_shell(&needed);
            notes.add(finding);
        }
        Some(program)
    }

    fn missing(&self, name: &str) -> Finding {
        if let Some(there) = self.in_shell(name) {
            return Finding::new(FindingKind::NotOnAppPath).named(name).there(there);
        }
        let first = name.split_whitespace().next().unwrap_or(name);
        let is_line = first != name
            && (look(first, self.app, self.folder, self.platform).is_some() || self.in_shell(first).is_some());
        let kind = if is_line { FindingKind::CommandHoldsArguments } else { FindingKind::ProgramMissing };
        Finding::new(kind).named(name)
    }

    fn in_shell(&self, name: &str) -> Option<String> {
        let is_path = name.contains(['/', '\\']);
        let found = look(name, self.shell, self.folder, self.platform).filter(|_| !is_path)?;
        may_start(&found, self.platform).then(|| found.display().to_string())
    }
}

/// The program that a script asks the system to find: `#!/usr/bin/env node`.
fn interpreter(script: &Path) -> Option<String> {
    use std::io::Read;
    let mut head = [0_u8; 128];
    let read = std::fs::File::open(script).and_then(|mut file| file.read(&mut head)).ok()?;
    let line = std::str::from_utf8(head[..read].split(|byte| *byte == b'\n').next()?).ok()?;
    let mut words = line.strip_prefix("#!")?.split_whitespace();
    let by = words.next()?;
    let options = |word: &&str| !word.starts_with('-') && !word.contains('=');
    by.ends_with("/env").then(|| words.find(options)).flatten().map(str::to_owned)
}
