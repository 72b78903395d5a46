//! What a fresh machine lacks.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::shell::{command, has, root, run, run_command, say};

/// To build the desktop program.
const BUILD: &[&str] = &[
    "build-essential",
    "pkg-config",
    "libwebkit2gtk-4.1-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "libxdo-dev",
    "libssl-dev",
    "libdbus-1-dev",
];

/// To run it where there is no desktop, and to test it.
const DESKTOP: &[&str] = &[
    "xvfb",
    "dbus",
    "dbus-x11",
    "gnome-keyring",
    "libsecret-tools",
    "libglib2.0-bin",
    "openbox",
    "xfce4-panel",
    "dunst",
    "webkit2gtk-driver",
    "imagemagick",
    "x11-utils",
    "xdotool",
    "strace",
    "at-spi2-core",
    "fonts-dejavu-core",
    "librsvg2-common",
    "adwaita-icon-theme",
];

/// To test the window's page.
const BROWSER: &[&str] = &["chromium"];

/// What builds the programs.
pub(crate) fn for_build() -> Result<()> {
    packages(BUILD)?;
    node()
}

/// What runs and tests them.
pub(crate) fn for_tests() -> Result<()> {
    for_build()?;
    packages(&[DESKTOP, BROWSER].concat())
}

/// What plays the journey.
pub(crate) fn for_desktop() -> Result<()> {
    for_build()?;
    packages(DESKTOP)?;
    tauri_driver()
}

fn packages(names: &[&str]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    if !has("dpkg-query") {
        say(&format!("Install these, or what they are called on your system: {}", names.join(" ")));
        return Ok(());
    }
    let missing: Vec<&str> = names.iter().copied().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("Installing {}", missing.join(" ")));
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], missing.as_slice()].concat())
}

fn is_installed(name: &str) -> bool {
    let shown = command("dpkg-query", &["-W", "-f", "${Status}", name]).output();
    shown.is_ok_and(|shown| String::from_utf8_lossy(&shown.stdout).contains("install ok installed"))
}

fn apt(args: &[&str]) -> Result<()> {
    let root = command("id", &["-u"]).output().is_ok_and(|id| id.stdout.starts_with(b"0\n"));
    let mut apt = if root { command("apt-get", args) } else { command("sudo", &[&["apt-get"], args].concat()) };
    run_command(apt.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// The page's packages, when the lock file has changed since.
fn node() -> Result<()> {
    if !has("npm") {
        bail!("Node 20 or newer is needed: install it (https://nodejs.org), then try again");
    }
    let (lock, stamp) = (root().join("ui/package-lock.json"), root().join("ui/node_modules/.patchbay-lock"));
    let wanted = std::fs::read(&lock)?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say("Installing the page's packages");
    run("npm", &["--prefix", "ui", "ci", "--no-audit", "--no-fund"])?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// The program that drives the real window.
fn tauri_driver() -> Result<()> {
    cargo_tool("tauri-driver", "^2")
}

/// What builds and runs the fuzz targets.
pub(crate) fn cargo_fuzz() -> Result<()> {
    cargo_tool("cargo-fuzz", "^0.13")
}

fn cargo_tool(name: &str, version: &str) -> Result<()> {
    if tool(name).is_file() {
        return Ok(());
    }
    say(&format!("Building {name}"));
    let target = root().join("target/tools/build");
    let install = ["install", name, "--version", version, "--locked", "--root", "target/tools"];
    run_command(command("cargo", &install).env("CARGO_TARGET_DIR", target))
}

/// A tool of our own.
pub(crate) fn tool(name: &str) -> PathBuf {
    root().join("target/tools/bin").join(name)
}

/// Programs from the npm registry, for tests and measurements; the folder that has them.
pub(crate) fn npm_tools() -> Result<PathBuf> {
    const TOOLS: &[&str] = &[
        "@anthropic-ai/claude-code@2.1.329",
        "@openai/codex@0.169.0",
        "@google/gemini-cli@0.61.0",
        "@github/copilot@1.0.102",
        "mcp-remote@0.15.1",
    ];
    let folder = root().join("target/tools/npm");
    let stamp = folder.join("installed");
    let wanted = TOOLS.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    say("Installing the real apps for the tests");
    std::fs::create_dir_all(&folder)?;
    let prefix = folder.to_string_lossy().into_owned();
    run("npm", &[&["install", "--prefix", &prefix, "--no-audit", "--no-fund", "--no-save"], TOOLS].concat())?;
    std::fs::write(stamp, wanted)?;
    Ok(folder)
}
