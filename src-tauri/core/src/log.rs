//! The log of a program, the same for the window and the command line: to standard error, redacted.

use tracing_subscriber::EnvFilter;

use crate::secret::RedactingWriter;

/// Details are told from now on; `PATCHBAY_LOG` chooses how many. `timed`: each with its time.
pub fn start(timed: bool) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(std::env::var("PATCHBAY_LOG").ok().as_deref()))
        .with_writer(|| RedactingWriter::new(std::io::stderr()))
        .with_ansi(false);
    if timed { log.init() } else { log.without_time().init() }
}

/// What is told where somebody wants this: warnings where nothing is wanted, or nothing that can be read.
pub fn filter(wanted: Option<&str>) -> EnvFilter {
    let filter = wanted.and_then(|text| text.parse::<EnvFilter>().ok()).unwrap_or_else(|| EnvFilter::new("warn"));
    // The library tells the code that the browser brings, which no pattern could be known for.
    match "rmcp::transport::auth=warn".parse() {
        Ok(quiet) => filter.add_directive(quiet),
        Err(_) => filter,
    }
}
