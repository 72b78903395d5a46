//! Secrets: the value itself, and where it is kept.

mod value;

pub use value::Secret;
