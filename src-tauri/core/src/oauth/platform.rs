//! The platform's word for who runs here (SEP-1933), shown to the one who gives tokens (RFC 7523, 4).

use std::sync::Arc;

use jiff::Timestamp;

use super::bearer::{self, Asked};
use super::bundle::Bundle;
use super::claims::{Claims, is_same};
use super::discover::discover;
use super::failure::{self, needs_person};
use super::line::Line;
use super::vouch::{Vouched, Voucher, digest, read_file};
use super::{Manner, Signed, Step, Want, client, signed};
use crate::connection::Grant;
use crate::error::{Code, Error, Result};
use crate::secret::Secret;

pub(super) async fn sign_in(want: &Want, manner: &Manner<'_>, tell: impl Fn(Step)) -> Result<Signed> {
    tell(Step::Asking);
    let before = client::before(want, manner.before);
    let vouched = match (&want.voucher, before.as_ref().and_then(|before| before.vouched.as_ref())) {
        (Some(Voucher::File(path)), _) | (None, Some(Vouched::File { path, .. })) => {
            Vouched::File { path: std::path::absolute(path).unwrap_or_else(|_| path.clone()), refused: None }
        }
        (Some(Voucher::Assertion(assertion)), _) | (None, Some(Vouched::Assertion(assertion))) => {
            Vouched::Assertion(assertion.clone())
        }
        _ => return Err(nothing()),
    };
    let line = Arc::new(Line::new(&want.endpoint));
    let found = discover(&line, manner.places.as_ref()).await?;
    bearer::check_offered(&found)?;
    // Many services know the platform's word alone, and no client beside it.
    let client = bearer::client(want, &found, before)?.unwrap_or_else(bearer::nobody);
    let scopes = bearer::scopes(want, &found).await;
    let bundle = bearer::blank(&line, Grant::Platform, found, client, scopes, Some(vouched))?;
    tell(Step::Fetching);
    signed(&fetched(&line, &bundle).await?)
}

fn nothing() -> Error {
    Error::new(Code::Usage, "This way needs the proof that the platform gives of who runs here.")
        .hint("Run: patchbay sign-in ID --assertion-file PATH")
}

/// Fetches another token with what the platform says now.
pub(super) async fn renewed(line: &Line, bundle: &Bundle) -> Result<Bundle> {
    fetched(line, bundle).await.map_err(failure::at_renewal)
}

async fn fetched(line: &Line, bundle: &Bundle) -> Result<Bundle> {
    let assertion = assertion(bundle)?;
    let fetched = bearer::present(line, bundle, &assertion, Asked::Platform).await?;
    let vouched = match fetched.vouched {
        Some(Vouched::File { path, .. }) => Some(Vouched::File { path, refused: None }),
        other => other,
    };
    Ok(Bundle { vouched, ended: false, ..fetched })
}

/// What the platform says now, where that is for this service and still good.
fn assertion(bundle: &Bundle) -> Result<Secret> {
    let (assertion, file) = match &bundle.vouched {
        Some(Vouched::File { path, refused }) => {
            let assertion = read_file(path)?;
            if bundle.ended && refused.as_ref() == Some(&digest(&assertion)) {
                return Err(needs_person("The service refused what the platform says."));
            }
            (assertion, Some(path))
        }
        Some(Vouched::Assertion(assertion)) => (assertion.clone(), None),
        _ => return Err(nothing()),
    };
    let unfit = "what was given is no proof of who you are (JWT).";
    let claims = Claims::read(&assertion).ok_or_else(|| failure::refused(unfit))?;
    check_audience(&claims, bundle)?;
    match file {
        _ if claims.is_good(Timestamp::now()) => Ok(assertion),
        Some(file) => {
            let said = "The platform's proof of who runs here has ended, and no other stands in its file yet";
            let said = format!("{said}: {}", file.display());
            Err(Error::new(Code::Unreachable, said).at(file).hint("Look at what writes the file."))
        }
        None => Err(Error::new(Code::SignInRefused, "The platform's proof of who runs here has ended.")
            .hint("Get another one, then run: patchbay sign-in ID --assertion-stdin")),
    }
}

/// Who else got it could sign in with it: it is shown to the one for whom it was made.
fn check_audience(claims: &Claims, bundle: &Bundle) -> Result<()> {
    let here = [bundle.server.issuer.as_deref(), Some(bundle.server.token.as_str())];
    let is_here = |named: &String| here.into_iter().flatten().any(|here| is_same(named, here));
    if claims.audience.all().iter().any(is_here) {
        return Ok(());
    }
    let wanted = bundle.server.issuer.as_deref().unwrap_or(&bundle.server.token);
    let said = format!("This proof was made for somebody else than {wanted}. Nothing was sent there.");
    Err(Error::new(Code::SignInRefused, said).hint(format!("Have the platform make one for the audience {wanted}")))
}
