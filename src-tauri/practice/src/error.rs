//! What can go wrong, in sentences that a person can act on. No message holds a token.

use std::io;
use std::path::{Path, PathBuf};

/// Says why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    /// Another program listens at the port.
    #[error("Port {0} is taken by another program.")]
    PortTaken(u16),
    /// The network refuses otherwise.
    #[error("The practice service cannot listen: {0}")]
    Network(#[from] io::Error),
    /// Another practice service uses the same file: the two would overwrite each other's tokens.
    #[error("Another practice service uses the file {}.", .0.display())]
    StoreInUse(PathBuf),
    /// The tokens' file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Says why a token cannot be made, or the tokens' file not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The name is empty, too long, or has control characters.
    #[error("Choose a name of at most 80 characters.")]
    Name,
    /// No permission was chosen.
    #[error("Choose at least one permission.")]
    NoScope,
    /// A permission is not known.
    #[error("There is no permission \"{0}\".")]
    Scope(String),
    /// The lifetime is out of bounds.
    #[error("A token lasts from one minute to one year.")]
    Lifetime,
    /// There are as many active tokens as are kept.
    #[error("There are too many tokens. Revoke one that you no longer need.")]
    Full,
    /// An address to come back to is none that may be used.
    #[error(
        "\"{0}\" is no address to come back to. It begins with https://, or with http://127.0.0.1 for this computer."
    )]
    Redirect(String),
    /// An app names too many addresses to come back to.
    #[error("An app has at most 10 addresses to come back to.")]
    ManyRedirects,
    /// There are as many apps as are kept.
    #[error("There are too many apps. Sign out or remove one that you no longer need.")]
    FullOfApps,
    /// The system gives no random bytes.
    #[error("The system gives no random numbers to make a token from.")]
    Random,
    /// The service stops while the request is under way.
    #[error("The practice service is stopping.")]
    Stopping,
    /// The file cannot be read or written.
    #[error("The practice service cannot use its file {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl StoreError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_path_buf(), source }
    }

    /// Whether the request was unfit, rather than the service unable.
    pub(crate) fn is_of_the_request(&self) -> bool {
        !matches!(self, Self::Random | Self::Stopping | Self::Io { .. })
    }
}
