//! `patchbay sign-in` and `patchbay sign-out`.

use std::process::ExitCode;
use std::time::Duration;

use patchbay_core::api::message::{Answer, Request};
use patchbay_core::api::{Event, Patchbay, SignInStep, SignInWith};
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Kept, OwnClient, USUAL_PORT, Want};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error, Result};
use serde_json::json;

use crate::args::{SignInArgs, Target};
use crate::commands::{ATTENTION, unexpected};
use crate::input::from_stdin;
use crate::{browser, print};

/// Signs in, for an address or a connection.
pub(crate) async fn sign_in(patchbay: &Patchbay, args: SignInArgs, as_json: bool) -> Result<ExitCode> {
    if args.client_id.is_some() && !args.client_secret_stdin {
        print::notice(&format!("This address has to stand with the client: http://127.0.0.1:{USUAL_PORT}/callback"));
    }
    let secret = args.client_secret_stdin.then(|| from_stdin("client's secret")).transpose()?;
    // A line's end is none of it.
    let secret = secret.map(|secret| Secret::new(secret.expose().trim()));
    match (&args.target.id, &args.target.url) {
        (Some(id), _) => of_connection(patchbay, id, &args, secret, as_json).await,
        (None, Some(url)) => of_address(patchbay, url, &args, secret, as_json).await,
        (None, None) => Err(Error::new(Code::Usage, "Say where to sign in.")),
    }
}

async fn of_address(
    patchbay: &Patchbay,
    url: &str,
    args: &SignInArgs,
    secret: Option<Secret>,
    as_json: bool,
) -> Result<ExitCode> {
    let want = Want {
        endpoint: Endpoint::new(url)?,
        grant: args.grant.map_or(Grant::AuthorizationCode, Into::into),
        client: client_id(args).map(|id| OwnClient { id, secret }),
        scopes: args.scopes.clone(),
    };
    let kept = patchbay.sign_in_url(&want, args.timeout.map(Duration::from_secs), |step| tell(step.into())).await?;
    if as_json {
        print::json(&facts(&kept));
    } else {
        print::line(&format!("Signed in: {}", kept.url));
    }
    Ok(ExitCode::SUCCESS)
}

async fn of_connection(
    patchbay: &Patchbay,
    id: &str,
    args: &SignInArgs,
    secret: Option<Secret>,
    as_json: bool,
) -> Result<ExitCode> {
    patchbay.listen(|event| {
        if let Event::SignIn { step, .. } = event {
            tell(step);
        }
    });
    let with =
        SignInWith { grant: args.grant.map(Into::into), client_id: client_id(args), scopes: args.scopes.clone() };
    let request = Request::SignIn { id: id.to_owned(), token: None, with };
    let asked = patchbay.call(request, secret);
    let answer = match args.timeout {
        Some(seconds) => tokio::time::timeout(Duration::from_secs(seconds), asked).await.unwrap_or_else(|_| {
            Err(Error::new(Code::SignInTimeout, "The sign-in took too long. Nothing was changed.").hint("Try again."))
        })?,
        None => asked.await?,
    };
    let Answer::SignedIn(done) = answer else { return Err(unexpected()) };
    if as_json {
        print::json(&done);
    } else {
        print::line(&format!("Signed in: {id}. All apps that use it go on by themselves."));
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
        let service =
            if revoked { "The service has ended it too." } else { "The service has no way to be told of it." };
        print::line(&format!("Signed out: {name}. {service}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn client_id(args: &SignInArgs) -> Option<String> {
    args.client_id.clone().or_else(|| args.client_metadata_url.clone())
}

fn facts(kept: &Kept) -> serde_json::Value {
    json!({
        "url": kept.url,
        "at": kept.sign_in.at.to_string(),
        "grant": kept.sign_in.grant,
        "issuer": kept.sign_in.issuer,
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
