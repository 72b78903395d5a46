use std::io::Write;
use std::sync::{Arc, Mutex};

use patchbay_core::log::filter;
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, registry};

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// All of it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panicked")).into_owned()
    }

    /// Logs what happens on this thread, as `PATCHBAY_LOG` wants it.
    pub(crate) fn begin(&self, wanted: &str) -> tracing::subscriber::DefaultGuard {
        let log = tracing_subscriber::fmt::layer().with_writer(self.clone()).with_ansi(false);
        tracing::subscriber::set_default(registry().with(log.with_filter(filter(Some(wanted)))))
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[test]
fn what_is_wanted_is_told_and_warnings_of_everything_else() {
    let told = |wanted, part, level| filter(wanted).would_enable(part, &level);
    for (wanted, debug) in [(None, false), (Some("[[["), false), (Some("canary=debug"), true), (Some("trace"), true)] {
        assert_eq!(told(wanted, "canary", Level::DEBUG), debug, "{wanted:?}");
        assert!(told(wanted, "other", Level::WARN), "{wanted:?}");
        assert!(!told(wanted, "rmcp::transport::auth", Level::DEBUG), "{wanted:?}");
    }
    assert!(!told(Some("off"), "canary", Level::ERROR));
    assert!(!told(Some("error,canary=info"), "other", Level::WARN));
}
