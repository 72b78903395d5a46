//! Measurements, each as a ratio to a peer or a floor in the same run.

mod bridge;
mod checks;
mod drift;
mod list;
mod plan;
mod process;
mod service;
mod window;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use crate::say;
use crate::session::Session;

pub(crate) use bridge::relay;
pub(crate) use plan::one as plan;
pub(crate) use service::{open as open_service, serve};

/// Where everything is left.
const FOLDER: &str = "target/bench";
/// The documents' copy.
const DOCUMENT: &str = "docs/speed.md";
const PARTS: [&str; 6] = ["bridge", "checks", "window", "list", "drift", "plan"];

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    rounds: usize,
    /// Starts of the bridge in each round; a peer starts twice, because it takes so long.
    starts: usize,
    /// Calls one at a time.
    calls: usize,
    /// How long calls are kept in flight.
    burst: Duration,
}

const FULL: Effort = Effort { rounds: 5, starts: 8, calls: 400, burst: Duration::from_secs(2) };
/// To see that everything works.
const QUICK: Effort = Effort { rounds: 1, starts: 2, calls: 40, burst: Duration::from_millis(300) };

/// Measures everything or the parts named, prints the tables and leaves them in `target/bench`. With `--write-docs` they
/// go to the documents too.
pub(crate) async fn bench(args: &[String]) -> Result<()> {
    let (flags, parts): (Vec<&str>, Vec<&str>) = args.iter().map(String::as_str).partition(|arg| arg.starts_with("--"));
    let has = |flag: &str| flags.contains(&flag);
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(part)) {
        bail!("there is no part {unknown}; there are: {}", PARTS.join(", "));
    }
    let effort = if has("--quick") { QUICK } else { FULL };
    let before = load()?;
    let (mut texts, mut values) = (Vec::new(), Map::new());
    for part in PARTS.iter().filter(|part| parts.is_empty() || parts.contains(*part)) {
        let (text, value) = one(part, effort).await.with_context(|| (*part).to_owned())?;
        say(&text);
        std::fs::create_dir_all(FOLDER)?;
        std::fs::write(format!("{FOLDER}/{part}.md"), &text)?;
        texts.push(format!("## {part}\n\n{text}"));
        values.insert((*part).to_owned(), value);
    }
    let machine = machine(&before, &load()?)?;
    let text = format!("# Speed and size\n\nWritten by `cargo xtask bench`. {machine}\n\n{}", texts.join("\n"));
    values.insert("machine".to_owned(), json!({ "words": machine, "quick": has("--quick") }));
    std::fs::write(format!("{FOLDER}/figures.md"), &text)?;
    std::fs::write(format!("{FOLDER}/figures.json"), serde_json::to_string_pretty(&values)?)?;
    if has("--write-docs") {
        std::fs::create_dir_all("docs")?;
        std::fs::write(DOCUMENT, text)?;
        say(&format!("written to {DOCUMENT}"));
    }
    Ok(())
}

async fn one(part: &str, effort: Effort) -> Result<(String, Value)> {
    let whole = |text: String| (text.clone(), Value::String(text));
    match part {
        "bridge" => bridge::measure(&patchbay()?, &bridge::peers()?, effort).await,
        "checks" => checks::measure().await,
        "window" => window::measure(&Session::start().await?).await.map(whole),
        "list" => list::measure(&Session::start().await?).await.map(whole),
        "drift" => drift::measure().map(whole),
        _ => plan::measure().map(whole),
    }
}

/// The program that was built beside this one.
fn patchbay() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name("patchbay"))
}

/// How busy the computer is, as it counts itself.
fn load() -> Result<String> {
    let load = std::fs::read_to_string("/proc/loadavg")?;
    Ok(load.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}

/// What the figures hold for.
fn machine(before: &str, after: &str) -> Result<String> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo")?;
    let name =
        cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or("?", |(_, name)| name);
    let count = std::thread::available_parallelism()?;
    Ok(format!("On {count} processors ({name}), load average {before} before and {after} after."))
}

/// The value below which so many of a hundred lie.
fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

#[expect(clippy::cast_precision_loss, reason = "memory in KiB is far below 2^52")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
