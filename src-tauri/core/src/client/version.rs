//! Which version of an app is installed, read from files beside it. No program is started, and nothing is kept.
//!
//! What cannot be told is absent: no version is better than a wrong one. Electron's own `version` file, which lies
//! beside many of these programs, is Electron's version and not the app's.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::program::Version;
use super::{Client, find_program};
use crate::host::{Host, Platform};

/// The version of an app. `running` is the program of its process, where one runs.
pub fn version(client: &Client, host: &Host, running: Option<&Path>) -> Option<String> {
    version_below(client, host, running, Path::new("/"))
}

/// The same, with the system's folders below `root`.
pub fn version_below(client: &Client, host: &Host, running: Option<&Path>, root: &Path) -> Option<String> {
    let place = Place { client, host, running, root };
    let found = client.program.versions.iter().find_map(|version| place.read(version))?;
    is_version(&found).then_some(found)
}

struct Place<'a> {
    client: &'a Client,
    host: &'a Host,
    running: Option<&'a Path>,
    root: &'a Path,
}

impl Place<'_> {
    fn read(&self, version: &Version) -> Option<String> {
        match *version {
            Version::Package(program) => self.package(program),
            Version::LinkName(program) => self.link_name(program),
            Version::Product { program, folder, field } => self.product(program, folder, field),
            Version::Bundle => self.bundle(),
            Version::Squirrel(folder) => newest(&self.host.local_dir().join(folder), "app-"),
            Version::Store(package) => self.store(package),
            Version::System(package) => self.system(package),
            Version::Extension(id) => newest(&self.host.home.join(".vscode").join("extensions"), &format!("{id}-")),
        }
    }

    /// The program's file, links followed: along the path, and where installers put it without one.
    fn program(&self, name: &str) -> Option<PathBuf> {
        let own = || {
            let ending = if self.host.platform == Platform::Windows { ".exe" } else { "" };
            let file = self.host.home.join(".local").join("bin").join(format!("{name}{ending}"));
            file.is_file().then_some(file)
        };
        find_program(self.host, name).or_else(own)
    }

    fn package(&self, program: &str) -> Option<String> {
        let package = self.client.program.package?;
        let file = self.program(program).or_else(|| self.running.map(Path::to_path_buf))?;
        // On Windows a small script lies beside the packages; elsewhere a link leads into them.
        let beside = file.parent()?.join("node_modules");
        let real = std::fs::canonicalize(&file).unwrap_or(file);
        let around = real.ancestors().filter(|folder| folder.ends_with("node_modules")).map(Path::to_path_buf);
        around.chain([beside]).find_map(|folder| json_field(&folder.join(package).join("package.json"), "version"))
    }

    fn link_name(&self, program: &str) -> Option<String> {
        let file = std::fs::canonicalize(self.program(program)?).ok()?;
        let in_versions = file.parent()?.ends_with("versions");
        in_versions.then(|| file.file_name().map(|name| name.to_string_lossy().into_owned()))?
    }

    /// `resources/app` lies beside the program, or one folder up where the path names a script in `bin`.
    fn product(&self, program: &str, folder: &str, field: &str) -> Option<String> {
        let read = |root: &Path| json_field(&root.join("resources").join("app").join("product.json"), field);
        let linked = self.program(program).and_then(|file| std::fs::canonicalize(file).ok());
        let running = self.running.map(Path::to_path_buf);
        let installed = (self.host.platform == Platform::Windows)
            .then(|| self.host.local_dir().join("Programs").join(folder).join(program));
        let files = [linked, installed, running].into_iter().flatten();
        files
            .flat_map(|file| file.ancestors().skip(1).take(2).map(Path::to_path_buf).collect::<Vec<_>>())
            .find_map(|root| read(&root))
    }

    fn bundle(&self) -> Option<String> {
        let name = format!("{}.app", self.client.program.bundle?);
        if self.host.platform != Platform::MacOs {
            return None;
        }
        let running = self.running.and_then(bundle_of);
        let installed = [self.host.home.join("Applications").join(&name), self.root.join("Applications").join(&name)];
        running.into_iter().chain(installed).find_map(|bundle| property(&bundle, "CFBundleShortVersionString"))
    }

    fn store(&self, package: &str) -> Option<String> {
        let start = format!("{package}_");
        let path = slashed(self.running?);
        let folder = path.split('/').find_map(|part| part.strip_prefix(&start))?;
        let version = folder.split('_').next()?;
        // Store packages have four numbers; the app itself names three.
        Some(version.strip_suffix(".0").filter(|short| short.matches('.').count() == 2).unwrap_or(version).to_owned())
    }

    fn system(&self, package: &str) -> Option<String> {
        if self.host.platform != Platform::Linux {
            return None;
        }
        self.program(package)?;
        let debian = std::fs::read(self.root.join("var/lib/dpkg/status")).ok();
        debian
            .and_then(|status| debian_version(&String::from_utf8_lossy(&status), package))
            .or_else(|| newest(&self.root.join("var/lib/pacman/local"), &format!("{package}-")))
    }
}

/// The bundle that a program of macOS lies in.
pub fn bundle_of(program: &Path) -> Option<PathBuf> {
    let is_bundle = |folder: &&Path| folder.extension().is_some_and(|ending| ending == "app");
    // The outermost: helpers lie in bundles of their own inside it.
    program.ancestors().filter(is_bundle).last().map(Path::to_path_buf)
}

/// A text property of a bundle, where its `Info.plist` is XML, as that of Electron apps is.
pub fn property(bundle: &Path, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(bundle.join("Contents").join("Info.plist")).ok()?;
    let (_, rest) = text.split_once(&format!("<key>{key}</key>"))?;
    let (value, _) = rest.trim_start().strip_prefix("<string>")?.split_once("</string>")?;
    Some(value.trim().to_owned())
}

/// A path as the rules read it: `/` on every system.
pub(crate) fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn json_field(file: &Path, field: &str) -> Option<String> {
    let value: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    value.get(field)?.as_str().map(str::to_owned)
}

/// The highest version among the folders whose names begin with `start`.
fn newest(folder: &Path, start: &str) -> Option<String> {
    let names = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let versions = names.filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        // What follows is a package's revision or an extension's system.
        let version = name.strip_prefix(start)?.split('-').next()?;
        is_version(version).then(|| version.to_owned())
    });
    versions.max_by_key(|version| numbers(version))
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// The version of an installed package in dpkg's records: paragraphs of fields, the name first.
fn debian_version(status: &str, package: &str) -> Option<String> {
    let head = format!("Package: {package}\n");
    let at = if status.starts_with(&head) { 0 } else { status.find(&format!("\n{head}"))? + 1 };
    let paragraph = status[at..].split("\n\n").next()?;
    let field = |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name).map(str::trim));
    field("Status:").filter(|status| status.ends_with(" installed"))?;
    field("Version:").map(without_revision)
}

/// `1.2.3` of `1:1.2.3-4`.
fn without_revision(version: &str) -> String {
    let version = version.split_once(':').map_or(version, |(_, version)| version);
    version.rsplit_once('-').map_or(version, |(version, _)| version).to_owned()
}

/// What is shown must look like a version, whatever stands in those files.
fn is_version(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || ".-+_".contains(c);
    text.starts_with(|c: char| c.is_ascii_digit()) && text.len() <= 40 && text.chars().all(known)
}
