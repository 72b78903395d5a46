//! All tests, fast ones first, with one total at the end.
//!
//! Long tests have two ways in, both closed in the ordinary run: a test that is too long as a whole is `#[ignore]`d, with
//! the reason; one that repeats something asks `patchbay_test_support::cases` how often. `--thorough` opens both.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::shell::{command, root, say};
use crate::{run, setup};

/// Parts in the order in which they run.
const PARTS: &[&str] = &[
    "fmt",
    "ui",
    "clippy",
    "gen",
    "units",
    "core",
    "bridge",
    "practice",
    "cli",
    "conformance",
    "apps",
    "app",
    "e2e",
    "desktop",
];

/// Tests counted so far.
#[derive(Default)]
struct Total {
    passed: u64,
    failed: u64,
}

/// Runs all parts, or those named; with the long tests, if `thorough`.
pub(crate) fn test(parts: &[String], thorough: bool) -> Result<()> {
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        bail!("there is no part {unknown}; there are: {}", PARTS.join(", "));
    }
    let chosen: Vec<_> = PARTS.iter().filter(|part| parts.is_empty() || parts.iter().any(|own| own == *part)).collect();
    setup::for_tests()?;
    let mut total = Total::default();
    let mut outcome = Ok(());
    for part in chosen {
        say(&format!("\n== {part}"));
        let begun = Instant::now();
        outcome = one(part, thorough, &mut total);
        say(&format!("== {part}: {:.0} s", begun.elapsed().as_secs_f64()));
        if outcome.is_err() {
            total.failed = total.failed.max(1);
            break;
        }
    }
    say(&format!("\n{} passed, {} failed", total.passed, total.failed));
    outcome
}

fn one(part: &str, thorough: bool, total: &mut Total) -> Result<()> {
    let cargo_test = |what: &[&str], total: &mut Total| {
        page_is_there()?;
        let ignored: &[&str] = if thorough { &["--", "--include-ignored"] } else { &[] };
        let args = [&["test", "--workspace", "--features", run::FEATURES], what, ignored].concat();
        let mut test = command("cargo", &args);
        counted(if thorough { test.env("PATCHBAY_THOROUGH", "1") } else { &mut test }, total)
    };
    match part {
        "fmt" => counted(&mut command("cargo", &["fmt", "--all", "--check"]), total),
        "clippy" => {
            page_is_there()?;
            counted(
                &mut command(
                    "cargo",
                    &["clippy", "--workspace", "--all-targets", "--features", run::FEATURES, "--", "-D", "warnings"],
                ),
                total,
            )
        }
        "gen" => types_are_current(total),
        "units" => cargo_test(&["--lib", "--bins"], total),
        "core" | "bridge" | "practice" | "cli" | "app" => cargo_test(&["--test", part], total),
        "apps" => {
            setup::npm_tools()?;
            setup::conformance_tools()?;
            setup::inspector()?;
            cargo_test(&["--test", part], total)
        }
        "conformance" => {
            setup::conformance_tools()?;
            cargo_test(&["--test", part], total)
        }
        "ui" => {
            counted(&mut command("npm", &["--prefix", "ui", "run", "--silent", "check"]), total)?;
            counted(&mut command("npm", &["--prefix", "ui", "run", "--silent", "test"]), total)
        }
        "e2e" => {
            counted(&mut command("npm", &["--prefix", "ui", "run", "--silent", "e2e"]), total)?;
            run::build()?;
            let real = ["page", "npm", "--prefix", "ui", "run", "--silent", "e2e:real"];
            counted(&mut command("target/debug/journey", &real), total)
        }
        _ => {
            setup::for_desktop()?;
            run::build()?;
            // A whole desktop on a loaded machine may miss a step once; twice is a fault.
            run::journey().or_else(|error| {
                say(&format!("{error:#}\nonce more"));
                run::journey()
            })?;
            total.passed += 1;
            Ok(())
        }
    }
}

/// The desktop program does not compile without a page to show.
fn page_is_there() -> Result<()> {
    if root().join("ui/dist/index.html").exists() {
        return Ok(());
    }
    crate::shell::run("npm", &["--prefix", "ui", "run", "--silent", "build"])
}

/// The types that are checked in are those that the core writes.
fn types_are_current(total: &mut Total) -> Result<()> {
    run::generate()?;
    let changed = command("git", &["status", "--porcelain", "--", "ui/src/bindings"]).output()?;
    let changed = String::from_utf8_lossy(&changed.stdout).into_owned();
    if !changed.trim().is_empty() {
        bail!("the window's types are out of date: run `cargo xtask gen` and commit\n{changed}");
    }
    total.passed += 1;
    Ok(())
}

/// Runs a command, passes its output on, and adds the tests it reports.
fn counted(command: &mut Command, total: &mut Total) -> Result<()> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    let mut found = Total::default();
    for line in BufReader::new(child.stdout.take().context("its output")?).lines() {
        let line = line?;
        count(&line, &mut found);
        say(&line);
    }
    let status = child.wait()?;
    // A gate that counts nothing is one check.
    total.passed += if found.passed == 0 && status.success() { 1 } else { found.passed };
    total.failed += found.failed;
    if !status.success() {
        bail!("{:?} failed", command.get_args().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" "));
    }
    Ok(())
}

/// Reads the summaries of cargo, vitest and Playwright.
fn count(line: &str, total: &mut Total) {
    let plain: String = without_colour(line);
    let text = plain.trim();
    let before = |word: &str| {
        let at = text.find(word)?;
        text[..at].trim_end().rsplit(|c: char| !c.is_ascii_digit()).next()?.parse::<u64>().ok()
    };
    let cargo = text.starts_with("test result:");
    let vitest = text.starts_with("Tests ");
    let playwright = !text.contains(':') && text.ends_with(')') && text.contains(" passed (");
    if cargo || vitest || playwright {
        total.passed += before(" passed").unwrap_or(0);
        total.failed += before(" failed").unwrap_or(0);
    }
}

fn without_colour(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            for c in chars.by_ref() {
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            out.push(c);
        }
    }
    out
}
