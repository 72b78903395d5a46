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
    of_the_desktop(session, window).await?;
    let authority = Authority::until(2090);
    let there = authority.serve("service.invalid", open_service(TOKEN).await?).await;
    let proxy = Proxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    let pem = session.home().join("company.pem");
    std::fs::write(&pem, authority.pem())?;
    let add = ["add", "--provider", "custom", "--name", "Far", "--set", FAR, "--token-stdin"];
    session.output_of(session.command(&session.patchbay()).args(add), TOKEN).await.context("add")?;
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

/// What the desktop's own settings say of proxies is told as it is when the form is opened, where none of it can be used
/// for all.
async fn of_the_desktop(session: &Session, window: &Window) -> Result<()> {
    const FOR_SOME: &[u8] = b"[Proxy Settings]\nProxyType=1\nhttpsProxy=http://proxy.company.example 3128\n\
        NoProxyFor=.company.example\nReversedException=true\n";
    const NO_TEXT: &[u8] = b"[Proxy Settings]\nProxyType=\xff\n";
    let file = session.home().join(".config/kioslaverc");
    window.click("nav-settings").await?;
    session.picture("settings-network").await?;
    for (text, says, picture) in [
        (FOR_SOME, "settings it is proxy.company.example:3128", "network-for-some"),
        (NO_TEXT, "kioslaverc", "network-unread"),
    ] {
        std::fs::write(&file, text)?;
        window.click("network-open").await?;
        window.says("network-dialog", says).await.with_context(|| picture.to_owned())?;
        session.picture(picture).await?;
        window.click("network-cancel").await?;
        window.gone("network-dialog").await?;
    }
    Ok(std::fs::remove_file(&file)?)
}
