//! `patchbay sign-in` and `patchbay sign-out`.

use std::process::ExitCode;
use std::time::Duration;

use patchbay_core::api::Patchbay;
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Kept, OwnClient, Step, USUAL_PORT, Want};
use patchbay_core::wire::Endpoint;
use patchbay_core::{Code, Error, Result};
use serde_json::json;

use crate::args::{SignInArgs, Target};
use crate::input::from_stdin;
use crate::{browser, print};

/// Signs in, for an address or a connection.
pub(crate) async fn sign_in(patchbay: &Patchbay, args: SignInArgs, as_json: bool) -> Result<ExitCode> {
    let client = own_client(&args)?;
    if client.as_ref().is_some_and(|client| args.client_id.is_some() && client.secret.is_none()) {
        print::notice(&format!("This address has to stand with the client: http://127.0.0.1:{USUAL_PORT}/callback"));
    }
    let url = address(patchbay, &args.target)?;
    let want = Want {
        endpoint: Endpoint::new(&url)?,
        grant: if args.grant.is_some_and(|grant| grant.is_without_person()) {
            Grant::ClientCredentials
        } else {
            Grant::AuthorizationCode
        },
        client,
        scopes: args.scopes,
    };
    let kept = patchbay.sign_in_url(&want, args.timeout.map(Duration::from_secs), tell).await?;
    if as_json {
        print::json(&facts(&kept));
    } else {
        print::line(&format!("Signed in: {}", kept.url));
    }
    Ok(ExitCode::SUCCESS)
}

/// Signs out of an address or a connection.
pub(crate) async fn sign_out(patchbay: &Patchbay, target: &Target, as_json: bool) -> Result<ExitCode> {
    let url = address(patchbay, target)?;
    let revoked = patchbay.sign_out_url(&url).await?;
    if as_json {
        print::json(&json!({ "url": url, "revoked": revoked }));
    } else {
        let service =
            if revoked { " The service has ended it too." } else { " It is forgotten here; the service was not told." };
        print::line(&format!("Signed out: {url}.{service}"));
    }
    Ok(ExitCode::SUCCESS)
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

fn own_client(args: &SignInArgs) -> Result<Option<OwnClient>> {
    let secret = args.client_secret_stdin.then(|| from_stdin("client's secret")).transpose()?;
    let id = args.client_id.as_ref().or(args.client_metadata_url.as_ref());
    Ok(id.map(|id| OwnClient { id: id.clone(), secret: secret.map(trimmed) }))
}

/// Without the line's end, which a key in PEM keeps.
fn trimmed(secret: patchbay_core::secret::Secret) -> patchbay_core::secret::Secret {
    patchbay_core::secret::Secret::new(secret.expose().trim())
}

/// How far it is, and the page to open: in words, on standard error, so that the result stays alone on standard output.
fn tell(step: Step) {
    match step {
        Step::Asking => print::notice("Asking the service how to sign in..."),
        Step::Browser(page) => {
            let said = if browser::open(&page) {
                "Sign in with your browser. If it did not open, open this address:"
            } else {
                "Open this address in your browser:"
            };
            print::notice(said);
            print::address(&page);
        }
        Step::Fetching => print::notice("Fetching the sign-in..."),
    }
}

fn address(patchbay: &Patchbay, target: &Target) -> Result<String> {
    match (&target.id, &target.url) {
        (Some(id), _) => Ok(patchbay.state()?.connection(id)?.url.clone()),
        (None, Some(url)) => Ok(url.clone()),
        (None, None) => Err(Error::new(Code::Usage, "Say where to sign in.")),
    }
}
