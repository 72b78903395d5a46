//! Requests and answers of the front door: one pair of types for the window, the command line and the tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::view::Settings;
use crate::client::Scope;
use crate::connection::NetworkChoice;
use crate::secret::Backend;

pub use super::answer::{
    Answer, ChangeVerb, CheckedView, Connected, FileChangeView, Form, PlanView, PurgedView, TokenLookView,
};
pub use super::as_app_view::{AsAppPlanView, AsAppVariable, AsAppView, Differs, EntryAt};
pub use super::found::{Copied, FoundView, Import, LeftOut};
pub use super::leave_view::{LeaveChoice, LeaveView, LeftView, StaysView, StaysWhy};
pub use super::renewed::{AlsoRenewed, Renewed, Retired};
pub use super::sign_in_view::{SignInWith, SignedIn, SignedOut};
pub use super::wanted::{Connect, Place, TokenFacts};

/// What the window may ask. Requests marked *secret* take one beside them, which is never returned; where a connection
/// has several, they are its lines: the token, then those of the headers beside it in their order. An empty line gives none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
#[ts(export)]
pub enum Request {
    /// Everything to draw. Answer: `snapshot`.
    Snapshot,
    /// The services. Answer: `catalog`.
    Catalog,
    /// What a service's form amounts to. Answer: `form`.
    ResolveForm {
        /// The service's id.
        provider: String,
        /// The answers so far.
        settings: BTreeMap<String, String>,
        /// The connection's name, checked as well where given.
        name: Option<String>,
        /// The end date typed, `YYYY-MM-DD`, checked as well where given.
        expires: Option<String>,
        /// The scopes chosen, for the token page's address.
        #[serde(default)]
        scopes: Vec<String>,
        /// The token's suggested name, for the token page's address.
        token_name: Option<String>,
    },
    /// *secret* What a pasted token looks like. Answer: `token_look`.
    InspectToken {
        /// The service's id.
        provider: String,
        /// The connection it is for, when renewing.
        connection: Option<String>,
        /// The header beside the token's that it is for; absent for the token.
        #[serde(default)]
        #[ts(optional)]
        header: Option<String>,
    },
    /// *secret, optional* The changes that connecting would make; a token is looked at as connecting would, and not
    /// kept. Answer: `plan`.
    PlanConnect {
        /// What to connect.
        connect: Connect,
    },
    /// *secret, optional* Sets up a connection and places it. Answer: `connected`.
    Connect {
        /// What to connect.
        connect: Connect,
        /// What the plan that was shown meant; absent: plan and apply at once.
        expected: Option<BTreeMap<String, String>>,
    },
    /// *secret, optional* Signs in, tries the service, then sets up a connection and places it; the secret is that of the
    /// user's own client. Answer: `connected`.
    ConnectSignedIn {
        /// What to connect, without a token.
        connect: Connect,
        /// How to sign in.
        with: SignInWith,
        /// What the plan that was shown meant; absent: plan and apply at once.
        expected: Option<BTreeMap<String, String>>,
    },
    /// *secret, optional* Signs in to a connection that is there; the secret is that of the user's own client. Answer:
    /// `signed_in`.
    SignIn {
        /// The connection.
        id: String,
        /// The credential that it replaces; absent: the one that needs it, else the first.
        token: Option<String>,
        /// How to sign in.
        with: SignInWith,
    },
    /// Stops a sign-in that is under way. Answer: `done`.
    CancelSignIn {
        /// The connection, also where it is still to be set up.
        id: String,
    },
    /// Ends a sign-in, at the service too where it offers that, and forgets it. Answer: `signed_out`.
    SignOut {
        /// The connection.
        id: String,
        /// The credential; absent: the first sign-in.
        token: Option<String>,
    },
    /// Ends the sign-in for an address alone in the same way. Answer: `signed_out`, by the address.
    SignOutAt {
        /// The address.
        url: String,
    },
    /// *secret, optional* Saves one more token for a connection, or its first. Answer: `connected`.
    SaveToken {
        /// The connection.
        id: String,
        /// Facts about the token.
        token: TokenFacts,
        /// The apps that are to use this token; empty: all that name no other.
        #[serde(default)]
        clients: Vec<String>,
    },
    /// The changes that placing or taking out would make. Answer: `plan`.
    PlanPlace {
        /// The connection.
        id: String,
        /// Where it shall be used from now on, all of it.
        places: Vec<Place>,
    },
    /// Places a connection in exactly these apps. Answer: `connected`.
    Place {
        /// The connection.
        id: String,
        /// Where it shall be used from now on, all of it.
        places: Vec<Place>,
        /// What the plan that was shown meant.
        expected: Option<BTreeMap<String, String>>,
    },
    /// The changes that removing would make. Answer: `plan`.
    PlanRemove {
        /// The connection.
        id: String,
    },
    /// Takes a connection out of all apps and deletes its tokens from the keychain. Answer: `connected`.
    Remove {
        /// The connection.
        id: String,
        /// What the plan that was shown meant.
        expected: Option<BTreeMap<String, String>>,
    },
    /// Changes a connection's name and answers. Answer: `connected`.
    Edit {
        /// The connection.
        id: String,
        /// The new name.
        name: String,
        /// The new answers.
        settings: BTreeMap<String, String>,
    },
    /// Checks connections, all where none is named. Answer: `reports`.
    Check {
        /// The connections.
        ids: Vec<String>,
    },
    /// What an app would start or ask for one of its entries. Answer: `as_app_plan`.
    PlanAsApp {
        /// The entry.
        at: EntryAt,
    },
    /// Checks one of an app's entries the way the app does it. Answer: `as_app`.
    CheckAsApp {
        /// The entry.
        at: EntryAt,
        /// What the plan that was shown meant; needed for all but Patchbay's own.
        expected: Option<String>,
    },
    /// Stops checks that are running. Answer: `done`.
    CancelChecks,
    /// The same first call as a `curl` command, with `$TOKEN` in the token's place; without one where a sign-in is bound to
    /// a key. Answer: `text`.
    Curl {
        /// The connection.
        id: String,
    },
    /// The lines of a connection's entry, for an app's file that Patchbay cannot edit. Answer: `text`.
    Snippet {
        /// The connection.
        id: String,
        /// The app.
        client: String,
    },
    /// *secret* Renews a token: checks the new one live, swaps it, checks again. Answer: `renewed`.
    Renew {
        /// The connection.
        id: String,
        /// The credential; absent: the one that the connection's view names.
        token: Option<String>,
        /// The new end date, `YYYY-MM-DD` or RFC 3339.
        expires: Option<String>,
        /// The new scopes, where they changed.
        scopes: Option<Vec<String>>,
    },
    /// Asks the service whether replaced tokens are refused now, and forgets those that are. Answer: `retired`.
    RetireOld {
        /// The connection.
        id: String,
        /// The credential.
        token: String,
        /// The replaced token's id; absent: all that this credential replaced.
        #[serde(default)]
        old: Option<String>,
        /// Forget it although it is not known to be refused.
        #[serde(default)]
        force: bool,
    },
    /// Says or corrects when a token ends, without renewing it. Answer: `done`.
    SetExpiry {
        /// The connection.
        id: String,
        /// The credential.
        token: String,
        /// The end, `YYYY-MM-DD`; absent: nobody knows.
        expires: Option<String>,
    },
    /// What stands in the apps' files and could be brought in. Answer: `found`.
    Found,
    /// The changes that bringing in would make. Answer: `plan`.
    PlanImport {
        /// What to bring in.
        import: Import,
    },
    /// Makes a connection of what was found: its token goes to the keychain, its entries start Patchbay. Answer:
    /// `connected`.
    Import {
        /// What to bring in.
        import: Import,
        /// What the plan that was shown meant.
        expected: Option<BTreeMap<String, String>>,
    },
    /// The changes that copying an app's connections to another would make. Answer: `plan`.
    PlanCopy {
        /// The app that has them; absent: every connection there is.
        from: Option<String>,
        /// The connections' ids; absent: all.
        #[serde(default)]
        #[ts(optional, as = "Option<Vec<String>>")]
        ids: Vec<String>,
        /// The app that is to have them.
        to: String,
    },
    /// Places an app's connections in another app too. Answer: `copied`.
    Copy {
        /// The app that has them; absent: every connection there is.
        from: Option<String>,
        /// The connections' ids; absent: all.
        #[serde(default)]
        #[ts(optional, as = "Option<Vec<String>>")]
        ids: Vec<String>,
        /// The app that is to have them.
        to: String,
        /// What the plan that was shown meant.
        expected: Option<BTreeMap<String, String>>,
    },
    /// Puts an entry back as Patchbay wrote it. Answer: `connected`.
    PutBack {
        /// The connection.
        id: String,
        /// The app.
        client: String,
        /// For whom the entry counts there; absent: the whole user.
        #[serde(default)]
        #[ts(optional, as = "Option<Scope>")]
        scope: Scope,
    },
    /// Keeps what somebody else made of an entry; does not ask again. Answer: `done`.
    Keep {
        /// The connection.
        id: String,
        /// The app.
        client: String,
        /// For whom the entry counts there; absent: the whole user.
        #[serde(default)]
        #[ts(optional, as = "Option<Scope>")]
        scope: Scope,
    },
    /// Quits an app and opens it again, where that is safe. Answer: `done`.
    Reopen {
        /// The app.
        client: String,
    },
    /// The diff of a change in the history. Answer: `plan`.
    ChangeDetail {
        /// The change.
        change: String,
    },
    /// Undoes a change, the newest where none is named. Answer: `connected`.
    Undo {
        /// The change.
        change: Option<String>,
    },
    /// Deletes the copies of files that hold tokens in plain text from the history, and masks the tokens in it. Answer:
    /// `purged`.
    PurgeTokens {
        /// The change; absent: all.
        change: Option<String>,
    },
    /// What leaving Patchbay would do. Answer: `leave`.
    PlanLeave {
        /// How.
        choice: LeaveChoice,
    },
    /// Takes all entries out of all apps, or makes them work without Patchbay; deletes the tokens and empties the list.
    /// Answer: `left`.
    Leave {
        /// How.
        choice: LeaveChoice,
        /// What the plan that was shown meant.
        expected: Option<BTreeMap<String, String>>,
    },
    /// Says that a reminder's notification was shown. Answer: `done`.
    Acknowledge {
        /// The credential.
        token: String,
    },
    /// Stays silent about a token for some days. Answer: `done`.
    Snooze {
        /// The credential.
        token: String,
        /// Days from now.
        days: u16,
    },
    /// Changes the user's choices. Answer: `done`.
    SetSettings {
        /// All of them.
        settings: Settings,
    },
    /// *secret, optional* Says how services are reached; the secret is the proxy's password. Answer: `done`.
    SetNetwork {
        /// The connection; absent: all that have no choice of their own.
        id: Option<String>,
        /// How; absent: as for all, or for all as the system says.
        network: Option<NetworkChoice>,
        /// Whether the password that is kept goes on to be used where none is given.
        #[serde(default)]
        keep_password: bool,
    },
    /// *secret, optional* Tries whether services can be reached so, and asks them nothing. Answer: `reports`.
    TestNetwork {
        /// The connection; absent: all that have no choice of their own.
        id: Option<String>,
        /// How; absent: as for all, or for all as the system says.
        network: Option<NetworkChoice>,
        /// Whether the password that is kept is used where none is given.
        #[serde(default)]
        keep_password: bool,
    },
    /// Chooses the file of an app that has several candidates. Answer: `done`.
    ChooseFile {
        /// The app.
        client: String,
        /// One of its candidates; absent: the one by the app's own rule.
        path: Option<String>,
    },
    /// Takes note of news that was seen; of all where none is named. Answer: `done`.
    DismissNews {
        /// The news' ids.
        ids: Vec<String>,
    },
    /// Dismisses the notice about Patchbay's own records. Answer: `done`.
    DismissProblem,
    /// Chooses where secrets are kept and moves those already kept there. Answer: `done`.
    SetBackend {
        /// The place.
        backend: Backend,
    },
    /// Asks the keychain or vault for its state. Answer: `snapshot`.
    SecretsStatus,
    /// *secret* Makes a passphrase vault, moves all tokens into it and uses it. Answer: `done`.
    VaultCreate,
    /// *secret* Unlocks the vault until logout. Answer: `done`.
    VaultUnlock,
    /// Locks the vault. Answer: `done`.
    VaultLock,
}
