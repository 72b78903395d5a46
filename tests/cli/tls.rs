//! Certificates of every kind, as the program meets them with the system's own trust store.

use std::sync::Arc;

use patchbay_test_support::Home;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::patchbay_in;

/// A certificate that is shown to the program.
pub(crate) struct Shown {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::new([]).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "A company's own authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

pub(crate) fn signed(by: &Authority, name: &str, edit: fn(&mut CertificateParams)) -> Shown {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    edit(&mut params);
    let certificate = params.signed_by(&key, by).expect("a certificate");
    Shown { certificate: certificate.der().clone(), key }
}

/// What a server needs to show a certificate.
pub(crate) fn configuration(shown: Shown) -> ServerConfig {
    let key = PrivateKeyDer::try_from(shown.key.serialize_der()).expect("a key");
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![shown.certificate], key)
        .expect("a configuration")
}

/// Puts TLS before the practice service; the https address.
async fn serve(shown: Shown, practice: std::net::SocketAddr) -> String {
    let acceptor = TlsAcceptor::from(Arc::new(configuration(shown)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://localhost:{}/mcp", listener.local_addr().expect("an address").port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut front) = acceptor.accept(stream).await else { return };
                let Ok(mut back) = tokio::net::TcpStream::connect(practice).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut front, &mut back).await;
            });
        }
    });
    url
}

/// What the check and the bridge say of a certificate, where the system trusts an authority.
struct Said {
    verdict: String,
    /// The command line's first sentence.
    sentence: String,
    tls: Value,
    bridge: Value,
}

async fn said(shown: Shown, trusted: &Authority) -> Said {
    let practice = patchbay_practice::start(patchbay_practice::Options::default()).await.expect("it starts");
    let url = serve(shown, practice.addr()).await;
    let home = Home::new();
    let bundle = home.path().join("trusted.pem");
    std::fs::write(&bundle, trusted.pem()).expect("written");
    let run = move || {
        let trust = [("SSL_CERT_FILE", bundle.to_str().expect("a plain path"))];
        let set = format!("url={url}");
        let add = ["add", "--provider", "custom", "--name", "n", "--app", "codex", "--create", "--set", &set];
        let added = patchbay_in(&home, &add, None, &trust);
        assert!(home.file("codex").exists(), "{}", String::from_utf8_lossy(&added.stderr));
        let checked = patchbay_in(&home, &["check", "--json"], None, &trust);
        let checked: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
        let spoken = patchbay_in(&home, &["check"], None, &trust);
        let spoken = String::from_utf8_lossy(&spoken.stdout).into_owned();
        let request = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}\n";
        let bridge = patchbay_in(&home, &["bridge", "n"], Some(request), &trust);
        let layers = checked[0]["layers"].as_array().expect("layers").clone();
        Said {
            verdict: checked[0]["verdict"].as_str().expect("a verdict").to_owned(),
            sentence: spoken.lines().next().unwrap_or_default().trim_start_matches("n: ").to_owned(),
            tls: layers.into_iter().find(|layer| layer["kind"] == "tls").expect("the layer"),
            bridge: serde_json::from_slice(&bridge.stdout).expect("one JSON-RPC message"),
        }
    };
    tokio::task::spawn_blocking(run).await.expect("it runs")
}

/// The check says the sentence, and the bridge a part of its own.
fn refuses(said: &Said, sentence: &str, words: &str) {
    assert_eq!(said.verdict, "tls_not_trusted", "{}", said.tls);
    assert_eq!(said.tls["mark"], "failed", "{}", said.tls);
    assert_eq!(said.sentence, sentence);
    let error = &said.bridge["error"];
    assert_eq!(error["data"]["code"], "tls_not_trusted", "{error}");
    assert!(error["message"].as_str().is_some_and(|message| message.contains(words)), "{error}");
}

const UNKNOWN: &str = "Nobody whom this computer trusts vouches for the service, so nothing was sent. Your company may \
                       be inspecting this connection. Ask whoever looks after your network for its certificate file, \
                       and add it in the settings, under Network.";
const SIGNS_ITSELF: &str = "The service’s certificate is signed by nobody but itself, so nothing was sent. If that is \
                            meant to be so, add this certificate in the settings, under Network; if not, ask the \
                            service’s support.";
const SIGNER: &str = "The service shows a certificate that is only for signing others, so nothing was sent. Whoever runs \
                      the service has to make another one for the service itself.";
const UNKNOWN_OTHER: &str = "Nobody whom this computer trusts vouches for what answers there, and its certificate is for \
                             another name, so nothing was sent. Compare the address with the service’s own page first; \
                             if it is right, ask whoever looks after your network.";
const EXPIRED: &str = "The service’s certificate has expired, so it cannot prove who it is and nothing was sent. Ask \
                       the service’s support to renew it.";
const EARLY: &str = "The service’s certificate is not valid yet, so nothing was sent. Look whether this computer’s date \
                     and time are right.";
const OTHER: &str = "What answers there proves to be somebody else, so nothing was sent. Compare the address with the \
                     service’s own page.";

#[tokio::test]
async fn a_private_authority_that_the_system_trusts_is_trusted() {
    let company = authority();
    let said = said(signed(&company, "localhost", |_| {}), &company).await;
    assert_eq!(said.tls["mark"], "passed", "{}", said.tls);
    assert_eq!(said.verdict, "needs_browser_sign_in");
    assert_eq!(said.bridge["error"]["data"]["code"], "token_missing", "{}", said.bridge);
}

#[tokio::test]
async fn an_authority_that_the_system_does_not_trust_may_be_a_companys() {
    let said = said(signed(&authority(), "localhost", |_| {}), &authority()).await;
    refuses(&said, UNKNOWN, "your company may be inspecting this connection");
}

#[tokio::test]
async fn a_certificate_that_signs_itself_is_not_trusted() {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate").der().clone();
    let said = said(Shown { certificate, key }, &authority()).await;
    refuses(&said, SIGNS_ITSELF, "is signed by nobody but itself");
}

/// As the sentence says that it may be added.
#[tokio::test]
async fn a_certificate_that_signs_itself_and_is_trusted_works() {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::try_from(key.serialize_der()).expect("a key"));
    let issuer = issuer.expect("a certificate");
    let said = said(Shown { certificate: issuer.der().clone(), key }, &issuer).await;
    assert_eq!(said.tls["mark"], "passed", "{}", said.tls);
}

/// As `openssl req -x509` makes them.
#[tokio::test]
async fn a_certificate_for_signing_others_is_told_whether_it_is_trusted_or_not() {
    let signer = |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let company = authority();
    for trusted in [&company, &authority()] {
        let said = said(signed(&company, "localhost", signer), trusted).await;
        refuses(&said, SIGNER, "is one for signing others");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_by_somebody_unknown_is_told_as_both() {
    let said = said(signed(&authority(), "elsewhere.example", |_| {}), &authority()).await;
    refuses(&said, UNKNOWN_OTHER, "and it is for another name; compare the address");
}

#[tokio::test]
async fn an_expired_certificate_is_told() {
    let company = authority();
    let expired = signed(&company, "localhost", |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    refuses(&said(expired, &company).await, EXPIRED, "has expired");
}

#[tokio::test]
async fn a_certificate_from_the_future_asks_for_the_clock() {
    let company = authority();
    let early = signed(&company, "localhost", |params| params.not_before = date_time_ymd(2090, 1, 1));
    refuses(&said(early, &company).await, EARLY, "clock");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_told() {
    let company = authority();
    refuses(&said(signed(&company, "elsewhere.example", |_| {}), &company).await, OTHER, "another name");
}
