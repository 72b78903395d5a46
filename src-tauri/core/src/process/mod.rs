//! Processes on this computer: which app runs since when, which app started us, and how an app is started anew.
//!
//! Only the present user's processes count. A name alone is not trusted where several programs bear it: see
//! [`Facts::client`]. An app that lives in an editor (Cline, Roo Code) has no process of its own, so nothing is said.

mod facts;
mod plan;
mod reopen;
mod running;
mod starter;

pub use facts::Facts;
pub use plan::{ByHand, Instance, Quit, Reopen, Start, by_hand, plan};
pub use reopen::{Failure, PATIENCE, carry_out, instance, reopen, way};
pub(crate) use running::is_alive;
pub use running::{Running, running_apps};
pub use starter::{Starter, starter};
