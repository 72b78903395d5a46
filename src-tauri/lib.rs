//! The desktop shell: window, tray, notifications. Thin: it calls the core and holds no rules.

mod app;

pub use app::run;
