//! A token's life: cleaning what was pasted, its shape, its end, reminders.

mod expiry;
mod paste;
pub mod reminder;

pub use expiry::{days_left, length, life_left, parse_date, same_length, suggest_end};
pub use paste::{CleanChange, Cleaned, TokenLook, clean, clean_for, field_of, look, look_beside};
