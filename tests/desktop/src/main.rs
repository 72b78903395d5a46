//! Plays the whole journey in the real window, with a real keychain, tray and notification daemon, under a virtual
//! display; leaves numbered pictures in `target/tour`. `journey bench` measures instead; `journey page` serves the page's
//! tests in a browser.

mod apps;
mod bench;
mod bring;
mod company;
mod journey;
mod keychain;
mod pair;
mod serve;
mod session;
mod signing;
mod window;

use patchbay_test_support::practice::Practice;

/// The practice service that the window starts.
const PRACTICE: Practice = Practice::at(47115);

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args[..] {
        [name, ports] if name == "service" => {
            // What bridges are measured against is to cost as little as it can.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            return runtime.block_on(bench::serve(ports));
        }
        [name, url] if name == "relay" => return bench::relay(url),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(async {
        match args.first().map(String::as_str) {
            Some("bench") => bench::bench(&args[1..]).await,
            Some("plan") => bench::plan(&args[1..]),
            Some("core") => serve::core().await,
            Some("page") => serve::page(&args[1..]).await,
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
