#![no_main]
//! See the laws.

#[path = "../law.rs"]
#[allow(dead_code, reason = "each target uses its part")]
mod law;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| law::yaml(bytes));
