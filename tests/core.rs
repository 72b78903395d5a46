//! Stub.

// Lossless editing: golden files, refusals, and laws over generated texts.
#[path = "core/document.rs"]
mod document;
