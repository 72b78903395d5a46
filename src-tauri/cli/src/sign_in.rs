//! `patchbay sign-in` and `patchbay sign-out`.

use std::process::ExitCode;

use patchbay_core::api::message::{Answer, Connect, Request};
use patchbay_core::api::{Event, Patchbay, RevokeAt, SignInStep, SignInWith};
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Kept, Voucher};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error, Result};
use serde_json::json;

use crate::args::{AddSignIn, GrantArg, SignInArgs, Target};
use crate::commands::{ATTENTION, install_own, unexpected};
use crate::{browser, print, words};

/// Signs in, for an address or a connection.
pub(crate) async fn sign_in(patchbay: &Patchbay, mut args: SignInArgs, as_json: bool) -> Result<ExitCode> {
    let vouch = std::mem::take(&mut args.vouch);
    let read = |args: &SignInArgs, before: Option<Grant>| {
        vouch.read(args.client_id.as_deref(), args.client_secret_stdin, way(args.grant, before))
    };
    // What cannot be done is said before anything is read or asked.
    match (&args.target.id, &args.target.url) {
        (Some(id), _) => {
            let replaced = replaced(patchbay, id, args.replace_token)?;
            let given = read(&args, patchbay.signed_in_by(id)?)?;
            of_connection(patchbay, id, &args, given, replaced, as_json).await
        }
        (None, Some(url)) => {
            let endpoint = Endpoint::new(url)?;
            let given = read(&args, patchbay.signed_in_at(endpoint.url()))?;
            of_address(patchbay, url, &args, given, as_json).await
        }
        (None, None) => Err(Error::new(Code::Usage, "Say where to sign in.")),
    }
}

/// How one signs in where nobody vouches: as it is said, else as before.
fn way(said: Option<GrantArg>, before: Option<Grant>) -> Grant {
    said.map(Into::into).or(before).unwrap_or(Grant::AuthorizationCode)
}

/// The token that a sign-in to a connection replaces, where it may.
fn replaced(patchbay: &Patchbay, id: &str, may_replace: bool) -> Result<Option<RevokeAt>> {
    let replaced = patchbay.token_to_replace(id)?;
    if replaced.is_some() && !may_replace {
        let said = "This connection has a token, and a sign-in would take its place in all apps that use it.";
        let hint = format!("If you want that: patchbay sign-in {id} --replace-token");
        return Err(Error::new(Code::Usage, said).hint(hint));
    }
    Ok(replaced)
}

/// Signs in, and only then sets a connection up.
pub(crate) async fn connect(patchbay: &Patchbay, connect: Connect, args: AddSignIn, as_json: bool) -> Result<()> {
    let (secret, voucher) =
        args.vouch.read(args.client_id.as_deref(), args.client_secret_stdin, way(args.grant, None))?;
    install_own(patchbay, None)?;
    tell_steps(patchbay);
    let scopes = connect.token.as_ref().map(|token| token.scopes.clone()).unwrap_or_default();
    let grant = args.grant.map(Into::into);
    let with = SignInWith { grant, client_id: args.client_id, scopes, seconds: args.timeout, voucher };
    let connect = Connect { token: None, ..connect };
    let request = Request::ConnectSignedIn { connect, with, expected: None };
    let Answer::Connected(done) = patchbay.call(request, secret).await? else { return Err(unexpected()) };
    if as_json {
        print::json(&done);
    } else {
        print::line(&format!("Connected and signed in: {}", done.id));
        words::restart(patchbay, &done.restart);
    }
    Ok(())
}

fn tell_steps(patchbay: &Patchbay) {
    patchbay.listen(|event| {
        if let Event::SignIn { step, .. } = event {
            tell(step);
        }
    });
}

async fn of_address(
    patchbay: &Patchbay,
    url: &str,
    args: &SignInArgs,
    (secret, voucher): (Option<Secret>, Option<Voucher>),
    as_json: bool,
) -> Result<ExitCode> {
    let kept = patchbay.sign_in_url(url, &with(args, voucher), secret, |step| tell(step.into())).await?;
    if as_json {
        print::json(&facts(&kept));
    } else {
        print::line(&format!("Signed in: {}", kept.url));
    }
    Ok(ExitCode::SUCCESS)
}

fn with(args: &SignInArgs, voucher: Option<Voucher>) -> SignInWith {
    let client_id = args.client_id.clone().or_else(|| args.client_metadata_url.clone());
    let (grant, scopes) = (args.grant.map(Into::into), args.scopes.clone());
    SignInWith { grant, client_id, scopes, seconds: args.timeout, voucher }
}

async fn of_connection(
    patchbay: &Patchbay,
    id: &str,
    args: &SignInArgs,
    (secret, voucher): (Option<Secret>, Option<Voucher>),
    replaced: Option<RevokeAt>,
    as_json: bool,
) -> Result<ExitCode> {
    tell_steps(patchbay);
    let request = Request::SignIn { id: id.to_owned(), token: None, with: with(args, voucher) };
    let answer = patchbay.call(request, secret).await?;
    let Answer::SignedIn(done) = answer else { return Err(unexpected()) };
    if as_json {
        print::json(&done);
    } else {
        print::line(&format!("Signed in: {id}. All apps that use it go on by themselves."));
        match replaced.map(|old| old.page) {
            Some(Some(page)) => print::line(&format!("Its token is not used any more. Revoke it at {page}")),
            Some(None) => print::line("Its token is not used any more. Revoke it at the service."),
            None => {}
        }
        if done.report.verdict != Verdict::Working {
            print::line(&format!("{id}: {}", done.report.sentence()));
        }
    }
    Ok(if done.report.verdict == Verdict::Working { ExitCode::SUCCESS } else { ExitCode::from(ATTENTION) })
}

/// Signs out of an address or a connection.
pub(crate) async fn sign_out(patchbay: &Patchbay, target: &Target, as_json: bool) -> Result<ExitCode> {
    let (name, revoked) = match (&target.id, &target.url) {
        (Some(id), _) => {
            let request = Request::SignOut { id: id.clone(), token: None };
            let Answer::SignedOut(done) = patchbay.call(request, None).await? else { return Err(unexpected()) };
            (id, done.revoked)
        }
        (None, Some(url)) => (url, patchbay.sign_out_url(url).await?),
        (None, None) => return Err(Error::new(Code::Usage, "Say where to sign out.")),
    };
    if as_json {
        print::json(&json!({ "signed_out": name, "revoked": revoked }));
    } else {
        let service = if revoked { "The service has ended it too." } else { words::NOT_ENDED };
        print::line(&format!("Signed out: {name}. {service}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn facts(kept: &Kept) -> serde_json::Value {
    json!({
        "url": kept.url,
        "at": kept.sign_in.at.to_string(),
        "grant": kept.sign_in.grant,
        "issuer": kept.sign_in.issuer,
        "voucher": kept.sign_in.voucher,
        "client_id": kept.sign_in.client_id,
        "scopes": kept.scopes,
    })
}

/// How far it is, and the page to open: in words, on standard error, so that the result stays alone on standard output.
fn tell(step: SignInStep) {
    match step {
        SignInStep::Asking => print::notice("Asking the service how to sign in..."),
        SignInStep::Browser { url } => {
            let said = if browser::open(&url) {
                "Sign in with your browser. If it did not open, open this address:"
            } else {
                "Open this address in your browser:"
            };
            print::notice(said);
            print::address(&url);
        }
        SignInStep::Fetching => print::notice("Fetching the sign-in..."),
        SignInStep::Checking => print::notice("Checking the connection..."),
    }
}
