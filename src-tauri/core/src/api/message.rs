//! Requests and answers of the front door: one pair of types for the window, the command line and the tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::view::{Settings, Snapshot};
use crate::catalog::{Provider, Resolved};
use crate::client::Scope;
use crate::connection::{NetworkChoice, Wiring};
use crate::error::Error;
use crate::probe::Report;
use crate::secret::Backend;

pub use super::as_app_view::{AsAppPlanView, AsAppVariable, AsAppView, Differs, EntryAt};
pub use super::found::{Copied, FoundView, Import, LeftOut};
pub use super::leave_view::{LeaveChoice, LeaveView, LeftView, StaysView, StaysWhy};
pub use super::renewed::{AlsoRenewed, Renewed, Retired};
pub use super::sign_in_view::{SignInWith, SignedIn, SignedOut};

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
    /// The same first call as a `curl` command, with `$TOKEN` in the token's place. Answer: `text`.
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

/// What to connect.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Connect {
    /// The service's id.
    pub provider: String,
    /// The connection's name.
    pub name: String,
    /// The answers to the service's fields.
    pub settings: BTreeMap<String, String>,
    /// Where to use it.
    pub places: Vec<Place>,
    /// Facts about the token, where one is given.
    pub token: Option<TokenFacts>,
    /// Warnings about the token that the user has overruled.
    #[serde(default)]
    pub overrule: bool,
}

/// One app to use a connection in.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Place {
    /// The app's id.
    pub client: String,
    /// For whom it is to count there; absent: the whole user.
    #[serde(default)]
    #[ts(optional, as = "Option<Scope>")]
    pub scope: Scope,
    /// How the token gets there; absent: the app's default.
    pub wiring: Option<Wiring>,
    /// The credential's id, where the app has a token of its own.
    pub token: Option<String>,
    /// Make the app's file although the app does not seem to be installed.
    #[serde(default)]
    pub create: bool,
}

/// What the user says about a token.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TokenFacts {
    /// What it is called at the service.
    pub label: Option<String>,
    /// Scopes in the order they were chosen.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Its end: `YYYY-MM-DD`, or RFC 3339 for a moment.
    pub expires: Option<String>,
}

/// What comes back.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
#[ts(export)]
pub enum Answer {
    /// Everything to draw.
    Snapshot(Box<Snapshot>),
    /// The services.
    Catalog(Vec<Provider>),
    /// What a form amounts to.
    Form(Box<Form>),
    /// What a token looks like.
    TokenLook(TokenLookView),
    /// Changes to show before they are made.
    Plan(PlanView),
    /// What was set up or changed.
    Connected(Connected),
    /// Checks' results by connection.
    Reports(Vec<CheckedView>),
    /// What an app would do with an entry.
    AsAppPlan(Box<AsAppPlanView>),
    /// What came of doing as an app does.
    AsApp(Box<AsAppView>),
    /// What a renewal did.
    Renewed(Box<Renewed>),
    /// Whether the old token is refused now.
    Retired(Retired),
    /// What a sign-in did.
    SignedIn(SignedIn),
    /// What a sign-out did.
    SignedOut(SignedOut),
    /// What was taken out of the history.
    Purged(PurgedView),
    /// What leaving would do.
    Leave(Box<LeaveView>),
    /// What leaving did.
    Left(LeftView),
    /// What could be brought in.
    Found(Vec<FoundView>),
    /// What was copied to another app.
    Copied(Copied),
    /// Text to copy.
    Text(String),
    /// Done, nothing to tell.
    Done,
}

/// What a service's form amounts to.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct Form {
    /// The address and headers, where the answers suffice.
    pub resolved: Option<Resolved>,
    /// What is missing or wrong, each with its field.
    pub errors: Vec<Error>,
    /// The id that the name would give.
    pub id: Option<String>,
    /// A name that is free, to begin with.
    pub suggested_name: String,
    /// The service's suggested end date, `YYYY-MM-DD`.
    pub suggested_expires: Option<String>,
    /// The latest end date that the service allows, `YYYY-MM-DD`.
    pub latest_expires: Option<String>,
    /// The address on this computer to which the browser comes back, for clients that users register by themselves.
    pub redirect: String,
}

/// What a pasted token looks like.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct TokenLookView {
    /// Whether something was cleaned away (spaces, quotes, `Bearer `).
    pub cleaned: bool,
    /// What makes it unusable.
    pub errors: Vec<Error>,
    /// What looks odd and can be overruled.
    pub warnings: Vec<Error>,
    /// Its end, where the token itself says so, RFC 3339.
    pub expires: Option<String>,
}

/// Changes to show.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct PlanView {
    /// One for each file.
    pub files: Vec<FileChangeView>,
    /// What each file's change means, by path, to hand back when applying.
    pub expected: BTreeMap<String, String>,
    /// The connections that are not among them although they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<LeftOut>>")]
    pub left: Vec<LeftOut>,
}

/// The change of one file.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct FileChangeView {
    /// The app.
    pub client: String,
    /// The app's name.
    pub client_name: String,
    /// The file.
    pub path: String,
    /// Whether the file is made.
    pub creates: bool,
    /// What happens to which entry.
    pub verb: ChangeVerb,
    /// The entry's name.
    pub entry: String,
    /// A unified diff, secrets masked.
    pub diff: String,
    /// Lines added and removed.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// Whether the app must be restarted to see it.
    pub restart: bool,
}

/// What happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum ChangeVerb {
    /// The entry is added.
    Add,
    /// The entry is changed.
    Change,
    /// The entry is taken out.
    Remove,
    /// Nothing changes.
    Nothing,
}

/// What was set up or changed.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct Connected {
    /// The connection's id.
    pub id: String,
    /// The change in the history, to undo it.
    pub change: Option<String>,
    /// The apps to restart.
    pub restart: Vec<String>,
    /// Files in which an entry had to stay, because they cannot be read or may not be written.
    pub kept_in: Vec<String>,
    /// Whether it came back without its token, which has to be given again: removing it had deleted the token.
    pub token_missing: bool,
    /// Whether the service has ended the sign-ins that went with it; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub signed_out: Option<bool>,
}

/// What was taken out of the history.
#[derive(Debug, Clone, Copy, Serialize, TS)]
#[ts(export)]
pub struct PurgedView {
    /// Changes whose copies of files were deleted.
    pub changes: u32,
    /// Of those, the ones that cannot be undone any more.
    pub lost: u32,
}

/// One connection's check.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct CheckedView {
    /// The connection's id.
    pub id: String,
    /// The credential that was tried last: where there are several, the one that the verdict is about.
    pub token: Option<String>,
    /// What the check found.
    pub report: Report,
}
