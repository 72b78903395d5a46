use std::io::Write;
use std::sync::{Arc, Mutex};

use patchbay_core::log::filter;
use tracing_subscriber::fmt::MakeWriter;

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
        let log = tracing_subscriber::fmt().with_env_filter(filter(Some(wanted))).with_writer(self.clone());
        tracing::subscriber::set_default(log.with_ansi(false).finish())
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
fn what_is_wanted_is_told_and_warnings_where_nothing_readable_is() {
    for (wanted, told) in [(None, false), (Some("[[["), false), (Some("canary=debug"), true), (Some("trace"), true)] {
        let filter = filter(wanted).to_string();
        assert_eq!(filter.contains("debug") || filter.contains("trace"), told, "{filter}");
    }
}
