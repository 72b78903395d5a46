//! Plays the whole journey in the real window, with a real keychain, tray and notification daemon, under a virtual
//! display; leaves numbered pictures in `target/tour`. `journey bench` measures the bridge instead.

mod apps;
mod bench;
mod canary;
mod journey;
mod practice;
mod session;
mod window;

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(async {
        match std::env::args().nth(1).as_deref() {
            Some("bench") => bench::bench().await,
            _ => journey::play().await,
        }
    });
    runtime.shutdown_background();
    done
}

/// A line for whoever watches.
pub(crate) fn say(text: &str) {
    use std::io::Write;
    // A reader that has gone away is no reason to stop.
    let _ = writeln!(std::io::stdout(), "{text}");
}
