//! The front door: every request and answer that the window, the command line and the tests use.

pub mod message;
pub mod view;
