//! The one command that signs in again: what was deleted at the sign-out, or handed over once, is asked for by it.

use crate::connection::{CompanyClient, Grant, SignIn};

/// A sign-in that there is, or that the user has signed out of.
#[derive(Clone, Copy)]
pub(super) struct Again<'a> {
    /// How what is signed in to is named on the command line.
    at: &'a str,
    sign_in: &'a SignIn,
    is_left: bool,
}

impl<'a> Again<'a> {
    pub(super) fn of(at: &'a str, sign_in: &'a SignIn) -> Self {
        Self { at, sign_in, is_left: false }
    }

    /// The same of one that the user has signed out of: its secrets are gone.
    pub(super) fn left(at: &'a str, sign_in: &'a SignIn) -> Self {
        Self { at, sign_in, is_left: true }
    }

    /// Whether the platform's proof was handed over by hand, which is to be done anew.
    pub(super) fn wants_proof(self) -> bool {
        self.sign_in.grant == Grant::Platform && self.sign_in.voucher.is_none()
    }

    /// The client at the company whose secret is gone.
    pub(super) fn lacks_at_company(self) -> Option<&'a CompanyClient> {
        let is_gone = |there: &&CompanyClient| self.is_left && there.has_secret;
        self.sign_in.at_company.as_ref().filter(|_| self.sign_in.grant == Grant::Company).filter(is_gone)
    }

    /// Whether the window cannot do it: it takes no secret but that of the service's own client.
    pub(super) fn is_by_hand(self) -> bool {
        self.wants_proof() || self.lacks_at_company().is_some()
    }

    /// The command.
    pub(super) fn command(self) -> String {
        let mut words = vec![format!("patchbay sign-in {}", self.at)];
        if let Some(there) = self.lacks_at_company() {
            let issuer = self.sign_in.voucher.as_deref().unwrap_or_default();
            words.push(format!("--company {issuer} --company-client-id {} --company-client-secret-stdin", there.id));
        }
        if self.is_left && self.sign_in.has_secret {
            words.push(format!("--client-id {} --client-secret-stdin", self.sign_in.client_id));
        }
        if self.wants_proof() {
            words.push("--assertion-stdin".to_owned());
        }
        words.join(" ")
    }
}
