//! The one error of the front door: a code from a closed list, a sentence, and where there is one, a path and a way out.
//!
//! Modules have their own `thiserror` types where callers tell cases apart; they become this type at the front door.
//! The window looks up its words by [`Code`]; `message` is for the command line and for logs. No message holds a secret.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Shorthand for results of the front door.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as a value that the window and scripts can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
#[non_exhaustive]
pub enum Code {
    /// The system names no home folder. Way out: set HOME.
    NoHome,
    /// A file could not be read or written for a reason of the system's. Way out: the message names path and cause.
    Io,
    /// The disk is full. Way out: free some space and try again.
    DiskFull,
    /// An app's file has a syntax error. Way out: open it at the line named and mend it.
    FileSyntax,
    /// An app's file parses but has another shape than its app expects. Way out: open it.
    FileShape,
    /// The key to be edited stands twice in the file. Way out: open it and take one out.
    FileDuplicateKey,
    /// No permission to read a file. Way out: change its permissions.
    FileUnreadable,
    /// A file or its folder is read-only. Way out: change its permissions.
    FileReadOnly,
    /// A link points to nothing. Way out: remove or mend the link.
    FileDanglingLink,
    /// A file is over 64 MiB. Way out: make it smaller with its own app.
    FileTooLarge,
    /// A path that should be a file is a folder or something else.
    FileNotRegular,
    /// A file is not UTF-8 text.
    FileEncoding,
    /// A file changed between preview and apply. The window shows the new preview.
    FileChanged,
    /// Another program holds the file's lock. Way out: try again.
    FileBusy,
    /// An app does not seem to be installed. Way out: install it, or have its file made all the same.
    AppNotInstalled,
    /// The app to be reopened does not run.
    AppNotRunning,
    /// The app cannot be quit safely by Patchbay. Way out: the words that the hint says.
    ReopenByHand,
    /// The app was asked to quit and still runs. Way out: look at its window.
    AppStillRuns,
    /// The app has quit and could not be started again. Way out: start it.
    AppNotStarted,
    /// An app's own rules refuse the entry. Way out: another name or wiring.
    AppRefuses,
    /// The app has no such way for the token to get there.
    WiringUnsupported,
    /// The app keeps no entries for a single folder, or not in that way. Way out: use it for the whole app.
    ScopeUnsupported,
    /// An administrator set this; Patchbay does not write there. Way out: ask the administrator.
    SetByAdministrator,
    /// An address does not parse.
    AddressInvalid,
    /// An address is plain http and not on this computer.
    AddressNotHttps,
    /// An address has a user name or password in it.
    AddressHasCredentials,
    /// An address has what looks like a token in its query or path.
    AddressHasToken,
    /// What was given is no proxy's address. Way out: `http://host:port`.
    ProxyInvalid,
    /// The proxy's password is not to be found where it was kept, or is for another proxy. Way out: give it again.
    ProxyPasswordMissing,
    /// An extra certificate file is not there, cannot be read, or holds something else. Way out: another file.
    CertificateUnfit,
    /// No token was given.
    TokenEmpty,
    /// A token has characters that cannot be sent in a header.
    TokenControlCharacters,
    /// A token is plainly another service's.
    TokenOtherService,
    /// A token does not look like this service's. Can be overruled.
    TokenShape,
    /// A token is longer than any can be.
    TokenTooLong,
    /// The same token is already used by another connection. Can be overruled.
    TokenReused,
    /// The service gives every token an end, and none was said. Way out: say it.
    DateRequired,
    /// A date does not parse.
    DateInvalid,
    /// An end date lies in the past.
    DatePast,
    /// An end date lies beyond what the service allows.
    DateBeyondMaximum,
    /// A name is empty or has no letters or digits.
    NameInvalid,
    /// A name is taken, by another connection or by an entry in an app's file.
    NameTaken,
    /// No such service in the catalog.
    UnknownProvider,
    /// The service has no such setting, or it does not take this value.
    UnknownSetting,
    /// A setting that the service needs is missing or malformed.
    SettingInvalid,
    /// No such app.
    UnknownApp,
    /// No such connection.
    UnknownConnection,
    /// No such change in the history.
    UnknownChange,
    /// What was to be undone has been changed since by somebody else.
    UndoConflict,
    /// Patchbay's own file was written by a newer version: read-only.
    StateNewer,
    /// Patchbay's own file was damaged; it was kept aside and rebuilt.
    StateDamaged,
    /// The keychain is locked. Way out: unlock it.
    KeychainLocked,
    /// The keychain's prompt was dismissed or access was denied. Way out: try again and allow it.
    KeychainRefused,
    /// There is no keychain here. Way out: use the passphrase vault.
    KeychainAbsent,
    /// The keychain did not answer in time.
    KeychainSlow,
    /// The keychain failed otherwise.
    KeychainFailed,
    /// The passphrase vault is locked. Way out: unlock it with the passphrase.
    VaultLocked,
    /// The passphrase is wrong.
    VaultPassphrase,
    /// The vault's file is damaged. Way out: restore it from a copy, or make a new one; the damaged one is kept aside.
    VaultDamaged,
    /// The connection has no token yet, or none for this address.
    TokenMissing,
    /// The user has to sign in at the service, for the first time or anew. Way out: sign in.
    SignInNeeded,
    /// A newer Patchbay made the sign-in, in a form that is not known here. Way out: update.
    SignInNewer,
    /// The service offers no sign-in by OAuth, or none that Patchbay can make. Way out: use a token.
    SignInNotOffered,
    /// The service or the user refused the sign-in. Way out: try again.
    SignInRefused,
    /// Nobody came back from the browser in time. Way out: try again.
    SignInTimeout,
    /// A service could not be reached just now. Way out: try again.
    Unreachable,
    /// A service answers a sign-in with a fault of its own. Way out: try again in a while.
    ServiceError,
    /// What stands in an app's file cannot be brought in; it stays as it is.
    ImportImpossible,
    /// Nobody knows how a program is started. Way out: set it up in an app anew.
    ProgramUnknown,
    /// The service refused the new token; nothing was changed.
    RenewalRefused,
    /// The service could not be reached to try the new token; nothing was changed.
    RenewalUnverified,
    /// A check found something that needs attention.
    CheckFailed,
    /// The command line or a request does not fit.
    Usage,
    /// The practice service could not start (its port is taken).
    PracticePort,
    /// The work was cancelled.
    Cancelled,
    /// A defect in Patchbay.
    Internal,
}

impl Code {
    /// Whether a file as it is stands in the way: broken, or not to be read or written.
    pub fn is_of_file(self) -> bool {
        matches!(
            self,
            Self::FileSyntax
                | Self::FileShape
                | Self::FileDuplicateKey
                | Self::FileUnreadable
                | Self::FileReadOnly
                | Self::FileDanglingLink
                | Self::FileTooLarge
                | Self::FileNotRegular
                | Self::FileEncoding
        )
    }

    /// The code as it is printed: `file_syntax`.
    pub fn as_str(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(text)) => text,
            _ => "internal".to_owned(),
        }
    }
}

/// What the front door answers when it cannot do as asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, ts_rs::TS)]
#[error("{message}")]
#[ts(export)]
pub struct Error {
    /// What went wrong.
    pub code: Code,
    /// One sentence for a person, without secrets.
    pub message: String,
    /// The file concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string | null", optional)]
    pub path: Option<PathBuf>,
    /// The one next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hint: Option<String>,
    /// The field of a form that the error belongs to (`url`, `token`, `expires`, `name`, a setting's key).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub field: Option<String>,
}

impl Error {
    /// An error with a code and a sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: None, hint: None, field: None }
    }

    /// Names the file concerned.
    pub fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_path_buf());
        self
    }

    /// Names the next step.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the form's field that the error belongs to.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// What went wrong, and the next step as a sentence of its own.
    pub fn in_sentences(&self) -> String {
        let end = if self.message.ends_with(['.', '!', '?', ':']) { "" } else { "." };
        self.hint.as_ref().map_or_else(|| self.message.clone(), |hint| format!("{}{end} {hint}", self.message))
    }

    /// An I/O error at a path: full disks, permissions and read-only places have their own codes.
    pub fn io(path: impl AsRef<Path>, source: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let path = path.as_ref();
        let own = source.to_string();
        let (code, what, hint) = match source.kind() {
            ErrorKind::StorageFull => (Code::DiskFull, "The disk is full", "Free some space, then try again."),
            ErrorKind::QuotaExceeded => {
                (Code::DiskFull, "Your share of the disk is used up", "Free some space, then try again.")
            }
            ErrorKind::PermissionDenied => {
                (Code::FileUnreadable, "Permission was denied", "Change its permissions, then try again.")
            }
            ErrorKind::ReadOnlyFilesystem => {
                (Code::FileReadOnly, "The place is read-only", "Allow writing to it, then try again.")
            }
            ErrorKind::IsADirectory => {
                (Code::FileNotRegular, "It is a folder, not a file", "Move it out of the way, then try again.")
            }
            ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
                (Code::FileNotRegular, "Something else is where a folder should be", "Move it away, then try again.")
            }
            ErrorKind::InvalidFilename => {
                (Code::Io, "The system takes no name this long or with these characters", "Choose another place.")
            }
            _ => (Code::Io, own.as_str(), "Try again; if it happens again, have the disk looked at."),
        };
        Self::new(code, format!("{what}: {}", path.display())).at(path).hint(hint)
    }
}
