//! Signing in through a company's identity provider (SEP-990): what it says of the user is exchanged there for an
//! assertion to one service (ID-JAG), which the service's own server takes for tokens.
//!
//! The assertion is good for minutes and for one use, so it is not kept; the user's ID token is, and what renews it.

use std::sync::Arc;

use jiff::Timestamp;

use super::bearer::{self, Asked};
use super::bundle::Bundle;
use super::client;
use super::discover::discover;
use super::idp::{self, Idp};
use super::line::Line;
use super::vouch::{AtCompany, Company, Vouched, Voucher};
use super::{Manner, OwnClient, Signed, Step, Want, failure, signed, token};
use crate::connection::Grant;
use crate::error::{Code, Error, Result};

pub(super) async fn sign_in(want: &Want, manner: &Manner<'_>, tell: impl Fn(Step)) -> Result<Signed> {
    tell(Step::Asking);
    let before = client::before(want, manner.before);
    let at_before = before.as_ref().and_then(|before| at_company(before).cloned());
    let company = match (&want.voucher, &at_before) {
        (Some(Voucher::Company(company)), _) => company.clone(),
        (None, Some(at)) => again(at),
        _ => return Err(nothing()),
    };
    let line = Arc::new(Line::new(&want.endpoint));
    let found = discover(&line, manner.places.as_ref()).await?;
    bearer::check_offered(&found)?;
    if found.server.issuer.is_none() {
        return Err(failure::not_offered("it does not say who signs people in for it. Nothing was sent there."));
    }
    let client = bearer::client(want, &found, before)?.ok_or_else(no_client)?;
    let company_line = idp::line(&want.endpoint, &company.issuer).await?;
    let idp = Idp::find(&company_line, &company.issuer).await?;
    let client_there = idp.client(&company.client, at_before)?;
    let at = match company.id_token {
        Some(id_token) => {
            let at = AtCompany { server: idp.server(), client: client_there, id_token, refresh: None };
            idp::check(&at, None)?;
            at
        }
        None => idp::browser(&company_line, &idp, client_there, manner.patience, &tell).await?,
    };
    let scopes = bearer::scopes(want, &found).await;
    let bundle = bearer::blank(&line, Grant::Company, found, client, scopes, Some(Vouched::Company(at)))?;
    tell(Step::Fetching);
    signed(&fetched(&line, &bundle).await?)
}

fn again(at: &AtCompany) -> Company {
    let client = OwnClient { id: at.client.id.clone(), secret: None };
    Company { issuer: at.server.issuer.clone().unwrap_or_default(), client, id_token: None }
}

fn nothing() -> Error {
    Error::new(Code::Usage, "This way needs the address of your company's identity provider.")
        .hint("Run: patchbay sign-in ID --company ADDRESS --company-client-id ID --client-id ID")
}

fn no_client() -> Error {
    Error::new(Code::SettingInvalid, "This way needs the client ID that your company has at the service.")
        .hint("Ask your company's administrator for it.")
        .field("client_id")
}

fn at_company(bundle: &Bundle) -> Option<&AtCompany> {
    match &bundle.vouched {
        Some(Vouched::Company(at)) => Some(at),
        _ => None,
    }
}

/// Renews what the company says of the user, where that has ended: it is to be kept before anything else is done.
///
/// # Errors
/// `SignInNeeded` where only the user can go on.
pub(super) async fn prepared(line: &Line, bundle: &Bundle) -> Result<Option<Bundle>> {
    let has_ended = |at: &&AtCompany| !at.has_good_token(Timestamp::now()) && at.refresh.is_some();
    let Some(at) = at_company(bundle).filter(has_ended) else { return Ok(None) };
    let issuer = at.server.issuer.as_deref().unwrap_or_default();
    let company_line = idp::line(line.endpoint(), issuer).await?;
    match idp::refreshed(&company_line, at).await {
        Ok(at) => Ok(Some(Bundle { vouched: Some(Vouched::Company(at)), ..bundle.clone() })),
        // The service may have given a token that renews, too.
        Err(error) if error.code == Code::SignInRefused && bundle.refresh.is_some() => Ok(None),
        Err(error) => Err(failure::at_renewal(error)),
    }
}

/// Fetches another token: with what the company says while that is good, else with the service's own that renews.
pub(super) async fn renewed(line: &Line, bundle: &Bundle) -> Result<Bundle> {
    if at_company(bundle).is_some_and(|at| at.has_good_token(Timestamp::now())) {
        return fetched(line, bundle).await.map_err(failure::at_renewal);
    }
    if bundle.refresh.is_none() {
        return Err(failure::needs_person("What your company said of you has ended."));
    }
    token::refreshed(line, bundle).await
}

async fn fetched(line: &Line, bundle: &Bundle) -> Result<Bundle> {
    let at = at_company(bundle).ok_or_else(nothing)?;
    let company_line = idp::line(line.endpoint(), at.server.issuer.as_deref().unwrap_or_default()).await?;
    let assertion = idp::exchanged(&company_line, at, bundle).await?;
    bearer::present(line, bundle, &assertion, Asked::Company).await
}

/// Ends what renews at the company, where it offers that; whether nothing is left there.
pub(super) async fn revoke(line: &Line, bundle: &Bundle) -> bool {
    let Some((at, refresh)) = at_company(bundle).and_then(|at| Some((at, at.refresh.as_ref()?))) else { return true };
    let Some(url) = &at.server.revocation else { return true };
    let Ok(line) = idp::line(line.endpoint(), at.server.issuer.as_deref().unwrap_or_default()).await else {
        return false;
    };
    token::is_taken_back(&line, url, &at.client, "refresh_token", refresh).await
}
