//! Services that ask to wait before they are asked again.

use std::time::Duration;

use jiff::Timestamp;
use patchbay_core::wire::header::RETRY_AFTER;
use patchbay_core::wire::{Response, StatusCode, seconds_until};

/// A wait that a request bears without its app noticing much of it.
const BRIEF: Duration = Duration::from_secs(3);

/// Whether a service refuses only for now.
pub(crate) fn is_for_now(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// How long a service asks to wait, in seconds, where it says that it has not acted upon the request.
pub(crate) fn asked(response: &Response) -> Option<u64> {
    let refuses = matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let when = response.headers().get(RETRY_AFTER).filter(|_| refuses)?;
    seconds_until(when.to_str().ok()?, Timestamp::now())
}

/// The same where it is so short that the request can be made once more after it.
pub(crate) fn brief(response: &Response) -> Option<Duration> {
    asked(response).map(Duration::from_secs).filter(|wait| *wait <= BRIEF)
}
