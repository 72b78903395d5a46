//! The log of a program, the same for the window and the command line: to standard error, redacted.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

use crate::secret::RedactingWriter;

/// Details are told from now on; `PATCHBAY_LOG` chooses how many. `timed`: each with its time.
pub fn start(timed: bool) {
    let filter = filter(std::env::var("PATCHBAY_LOG").ok().as_deref());
    let log = layer().with_writer(|| RedactingWriter::new(std::io::stderr())).with_ansi(false);
    if timed {
        registry().with(log.with_filter(filter)).init();
    } else {
        registry().with(log.without_time().with_filter(filter)).init();
    }
}

/// What is told where somebody wants this, as `LEVEL` or `PART=LEVEL,...`: warnings of all parts that nothing is said of.
/// Patterns are not understood: the library for them takes longer than the rest of a bridge's start.
pub fn filter(wanted: Option<&str>) -> Targets {
    let filter = wanted.and_then(|text| text.parse::<Targets>().ok()).unwrap_or_default();
    let others = filter.default_level().unwrap_or(LevelFilter::WARN);
    // The library tells the code that the browser brings, which no pattern could be known for. What it warns of is mended
    // or told in words.
    filter.with_default(others).with_target("rmcp::transport::auth", LevelFilter::ERROR)
}
