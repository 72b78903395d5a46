//! Which generation a server speaks, and which of them somebody who asks it knows.

/// How a server is spoken to at its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// 2026-07-28: each question by itself.
    Newest,
    /// From 2025-03-26 to 2025-11-25: `initialize`, and each message posted to the address.
    Posted,
    /// 2024-11-05: a stream names where to post to.
    Streamed,
}

/// The generations that somebody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaks {
    /// [`Generation::Newest`].
    pub newest: bool,
    /// [`Generation::Posted`].
    pub posted: bool,
    /// [`Generation::Streamed`].
    pub streamed: bool,
}

impl Speaks {
    /// All of them, as Patchbay's bridge does.
    pub const ALL: Self = Self { newest: true, posted: true, streamed: true };

    /// Whether a generation is among them.
    pub fn knows(self, generation: Generation) -> bool {
        match generation {
            Generation::Newest => self.newest,
            Generation::Posted => self.posted,
            Generation::Streamed => self.streamed,
        }
    }
}
