//! A company's network: a service that only the company's proxy reaches, behind the company's own certificate; set in the
//! real window, and counted by the bridge.

use anyhow::{Context, Result, ensure};
use patchbay_test_support::network::{Authority, Proxy, Rule};

use crate::apps::Talk;
use crate::bench::open_service;
use crate::say;
use crate::session::Session;
use crate::window::Window;

const PASSWORD: &str = "open-sesame-canary";
/// `aladdin` and the password, as `Basic` says them.
const BASIC: &str = "Basic YWxhZGRpbjpvcGVuLXNlc2FtZS1jYW5hcnk=";
const TOKEN: &str = "token-of-the-far-service-canary";
const FAR: &str = "url=https://service.invalid/locked/json";

/// Plays it; the secrets of it.
pub(crate) async fn network(session: &Session, window: &Window) -> Result<[&'static str; 3]> {
    say("a company's network");
    let authority = Authority::until(2090);
    let there = authority.serve("service.invalid", open_service(TOKEN).await?).await;
    let proxy = Proxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    let pem = session.home().join("company.pem");
    std::fs::write(&pem, authority.pem())?;
    let add = ["add", "--provider", "custom", "--name", "Far", "--set", FAR, "--token-stdin"];
    session.output_of(session.command(&session.patchbay()).args(add), TOKEN).await.context("add")?;
    window.click("nav-settings").await?;
    session.picture("settings-network").await?;
    window.click("network-open").await?;
    window.click("network-this").await?;
    window.type_into("network-address", &proxy.url()).await?;
    window.type_into("network-user", "aladdin").await?;
    window.type_into("network-password", "not-the-password").await?;
    window.type_into("network-certificates", &pem.display().to_string()).await?;
    window.click("network-test").await?;
    window.until("network-verdict-far", "data-verdict", "proxy_sign_in_refused").await?;
    session.picture("network-refused").await?;
    window.type_into("network-password", PASSWORD).await?;
    window.click("network-test").await?;
    window.says("network-tested", "Far can be reached").await?;
    session.picture("network-works").await?;
    window.click("network-save").await?;
    window.gone("network-dialog").await?;
    window.says("network-now", &proxy.url()).await?;
    let mut bridge = Talk::start(session.command(&session.patchbay()).args(["bridge", "far"]))?;
    bridge.open().await.context("the bridge goes through the proxy")?;
    ensure!(proxy.heads().iter().all(|head| head.starts_with("CONNECT service.invalid:443 ")), "and nothing else does");
    Ok([PASSWORD, BASIC.trim_start_matches("Basic "), TOKEN])
}
