//! What the two programs of the command line share: `patchbay`, and `patchbay-bridge`, which it becomes for as long as an
//! app talks to a service.

#[cfg(unix)]
mod beside;
pub mod bridge;
pub mod environment;
pub mod print;
pub mod record;
pub mod signals;
