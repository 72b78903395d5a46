//! Room for what has to be known as a whole though it is large: for one message at a time, over all that are under way.
//!
//! Whoever waits for the place does not read on meanwhile, so what it waits with stays at the service. The place is given
//! up when the message is written, not when it is read: an app that reads slowly holds up the next one, not its memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::passage::{LONGEST_PAUSE, MOST_HELD};

/// Room for one large message.
pub(crate) struct Room(Arc<Semaphore>);

/// The only place, given up when dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Room {
    /// Waits for the place. Whoever has it must not ask for it again, nor wait for what only the app can say.
    pub(crate) async fn place(&self) -> Option<Place> {
        self.0.clone().acquire_owned().await.ok().map(|permit| Place { _permit: permit })
    }
}

impl Place {
    /// The same bytes, which have the place for as long as anybody has them.
    pub(crate) fn around(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Placed { bytes, _place: self })
    }
}

struct Placed {
    bytes: Bytes,
    _place: Place,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The place of somebody who reads messages of any size one after the other.
#[derive(Default)]
pub(crate) struct Claim(Option<Place>);

impl Claim {
    /// Waits for the place where so many bytes need it; gives it up where they do not.
    pub(crate) async fn cover(&mut self, room: &Room, held: usize) {
        if held <= MOST_HELD {
            self.0 = None;
        } else if self.0.is_none() {
            self.0 = room.place().await;
        }
    }

    /// How long who is read may pause; others wait meanwhile.
    pub(crate) fn patience(&self) -> Duration {
        if self.0.is_some() { LONGEST_PAUSE } else { Duration::MAX }
    }

    pub(crate) fn into_place(self) -> Option<Place> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_place_goes_with_its_bytes_and_is_free_when_the_last_of_them_is_gone() {
        let room = Room::default();
        let place = room.place().await.expect("it is free");
        let bytes = place.around(Bytes::from_static(b"abc"));
        let part = bytes.slice(1..2);
        drop(bytes);
        assert!(room.0.try_acquire().is_err());
        assert_eq!(&part[..], b"b");
        drop(part);
        assert!(room.0.try_acquire().is_ok());
    }
}
