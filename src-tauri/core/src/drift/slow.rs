//! Which folders the system tells nothing about when somebody changes a file in them.
//!
//! A file on another computer, or on the other side of a virtual machine, changes without an event here. Which folder is
//! such a one is told by the kind of its file system, which the list of what is mounted names; on Windows by its path.

use std::path::{Path, PathBuf};

use serde::Serialize;
use ts_rs::TS;

use crate::host::Platform;

/// Why files are only looked at now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Slow {
    /// They lie on another computer, or on the other side of a virtual machine.
    NetworkFolder,
    /// The system watches no more folders for this user.
    NotWatched,
}

/// Whether changes in a file system of this kind can happen without an event. On Windows the path tells.
pub fn is_far(platform: Platform, file_system: &str, path: &Path) -> bool {
    let kind = file_system.to_ascii_lowercase();
    let is_one_of = |kinds: &[&str]| kinds.iter().any(|known| kind == *known || kind == format!("fuse.{known}"));
    match platform {
        Platform::Windows => is_share(&path.to_string_lossy()),
        Platform::MacOs => is_one_of(&["smbfs", "nfs", "afpfs", "webdav", "ftp", "macfuse", "osxfuse", "fuse-t"]),
        Platform::Linux => is_one_of(&[
            // Other computers.
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "sshfs",
            "davfs",
            "davfs2",
            "afs",
            "ceph",
            "glusterfs",
            "lustre",
            "ncpfs",
            "rclone",
            "s3fs",
            "gvfsd-fuse",
            // Windows seen from WSL, and the hosts of virtual machines.
            "9p",
            "drvfs",
            "vboxsf",
            "vmhgfs",
            "vmhgfs-fuse",
            "prl_fs",
            "virtiofs",
        ]),
    }
}

/// `\\server\share`, `\\wsl$\...`, `\\?\UNC\...`; but not `\\?\C:\...`, which is a disk written at length.
fn is_share(path: &str) -> bool {
    let path = path.replace('/', "\\");
    match path.strip_prefix(r"\\?\").or_else(|| path.strip_prefix(r"\\.\")) {
        Some(rest) => rest.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(r"UNC\")),
        None => path.starts_with(r"\\"),
    }
}

/// What is mounted where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mounts(Vec<(PathBuf, String)>);

impl Mounts {
    /// Those of this machine now; none where the system does not list them.
    pub fn now() -> Self {
        match Platform::current() {
            Platform::Linux => Self::of_mountinfo(&std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default()),
            Platform::MacOs => {
                let listed = std::process::Command::new("/sbin/mount").output();
                Self::of_mount(&listed.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default())
            }
            Platform::Windows => Self::default(),
        }
    }

    /// Reads Linux's `/proc/self/mountinfo`: `36 35 98:0 / /mnt/net rw - nfs4 server:/x rw`.
    pub fn of_mountinfo(text: &str) -> Self {
        let line = |line: &str| {
            let (head, tail) = line.split_once(" - ")?;
            Some((PathBuf::from(unescape(head.split(' ').nth(4)?)), tail.split(' ').next()?.to_owned()))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// Reads what macOS' `mount` says: `//ana@nas/home on /Volumes/home (smbfs, nodev)`.
    pub fn of_mount(text: &str) -> Self {
        let line = |line: &str| {
            let (_, rest) = line.split_once(" on ")?;
            let (place, more) = rest.rsplit_once(" (")?;
            Some((PathBuf::from(place), more.split([',', ')']).next()?.to_owned()))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// The kind of file system that a path lies on: that of the mount nearest above it, and of two in one place the
    /// later.
    pub fn kind(&self, path: &Path) -> &str {
        let above = self.0.iter().filter(|(place, _)| path.starts_with(place));
        above.max_by_key(|(place, _)| place.components().count()).map_or("", |(_, kind)| kind)
    }

    /// Whether a file's changes may come without an event, by where it lies once links are followed.
    pub fn is_far(&self, path: &Path) -> bool {
        let there = path.ancestors().find_map(|above| {
            let real = std::fs::canonicalize(above).ok()?;
            Some(real.join(path.strip_prefix(above).ok()?))
        });
        let there = there.as_deref().unwrap_or(path);
        [path, there].iter().any(|path| is_far(Platform::current(), self.kind(path), path))
    }
}

/// Spaces and the like stand in octal.
fn unescape(text: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
