//! Those who sign people in at an address of a private network (`https://10.1.2.3`). The library asks none of them,
//! whatever the service; here the rule counts that counts for all that a service names, see [`Endpoint::elsewhere`].
//!
//! [`Endpoint::elsewhere`]: crate::wire::Endpoint::elsewhere

use http::StatusCode;
use rmcp::transport::auth::AuthorizationMetadata;
use url::{Host, Url};

use super::discover::read;
use super::line::Line;
use crate::error::{Error, Result};

/// The metadata of the first of those whom a service names that are such an address; nothing where none of them answers.
///
/// # Errors
/// Why the service may not name one of them.
pub(super) async fn inside(line: &Line, named: &[String]) -> Result<Option<AuthorizationMetadata>> {
    let mut refused: Option<Error> = None;
    for issuer in named.iter().filter_map(|issuer| Url::parse(issuer).ok()).filter(is_literal) {
        if let Err(error) = line.endpoint().elsewhere(issuer.as_str()) {
            refused = refused.or(Some(error));
            continue;
        }
        for place in places(&issuer) {
            let answer = read(line, &place).await.filter(|answer| answer.status == StatusCode::OK);
            let metadata = answer.and_then(|answer| serde_json::from_slice::<AuthorizationMetadata>(&answer.body).ok());
            if let Some(metadata) = metadata.filter(|metadata| is_of(metadata, &issuer)) {
                return Ok(Some(metadata));
            }
        }
    }
    refused.map_or(Ok(None), Err)
}

fn is_literal(url: &Url) -> bool {
    matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)))
}

/// Where an issuer's metadata is (RFC 8414, 3.1; `OpenID` Connect Discovery, 4).
fn places(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let kinds = ["oauth-authorization-server", "openid-configuration"];
    let before = kinds.map(|kind| format!("/.well-known/{kind}{path}"));
    let behind = [format!("{path}/.well-known/openid-configuration")];
    before.into_iter().chain(behind).filter_map(|place| issuer.join(&place).ok()).collect()
}

/// Whether metadata is that of the issuer who was asked, and not of another.
fn is_of(metadata: &AuthorizationMetadata, issuer: &Url) -> bool {
    let bare = |text: &str| text.trim_end_matches('/').to_owned();
    metadata.issuer.as_deref().is_some_and(|own| bare(own) == bare(issuer.as_str()))
}
