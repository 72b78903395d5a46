//! A company's network on this computer: an authority of its own, services behind TLS, and a proxy that lets callers
//! through, or does not. Names lead nowhere but through the proxy.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
pub use tokio_rustls::rustls;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;

/// Who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// An authority whose own certificate ends in this year.
    pub fn until(year: i32) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.distinguished_name.push(rcgen::DnType::CommonName, "A company's own authority");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    /// One that a service may show by itself, for its own name.
    pub fn of_name_until(name: &str, year: i32) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        params.not_before = rcgen::date_time_ymd(2010, 1, 1);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate"))
    }

    /// Puts TLS before a service, with its own certificate.
    pub async fn serve_as_itself(&self, back: SocketAddr) -> SocketAddr {
        let key = PrivateKeyDer::try_from(self.0.key().serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.0.der().clone()], key)
            .expect("a configuration");
        front(config, back).await
    }

    /// Its certificate as text.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Its certificate as bytes.
    pub fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// Its private key as text, which belongs into no file of others.
    pub fn key_pem(&self) -> String {
        self.0.key().serialize_pem()
    }

    /// Puts TLS for a name before a service.
    pub async fn serve(&self, name: &str, back: SocketAddr) -> SocketAddr {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let shown = params.signed_by(&key, &self.0).expect("a certificate").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![shown], key)
            .expect("a configuration");
        front(config, back).await
    }

    /// Serves under a name nobody but those whom it has signed, in one version of TLS; the rest is turned away.
    pub async fn serve_who_prove_themselves(
        &self,
        name: &str,
        version: &'static rustls::SupportedProtocolVersion,
    ) -> SocketAddr {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let shown = params.signed_by(&key, &self.0).expect("a certificate").der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut signers = rustls::RootCertStore::empty();
        signers.add(self.0.der().clone()).expect("an authority");
        let provider = Arc::new(default_provider());
        let callers = WebPkiClientVerifier::builder_with_provider(Arc::new(signers), provider.clone());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("a version")
            .with_client_cert_verifier(callers.build().expect("a verifier"))
            .with_single_cert(vec![shown], key)
            .expect("a configuration");
        front(config, service().await).await
    }
}

/// Puts TLS before a service.
async fn front(config: ServerConfig, back: SocketAddr) -> SocketAddr {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let here = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut front) = acceptor.accept(stream).await else { return };
                let Ok(mut back) = TcpStream::connect(back).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut front, &mut back).await;
            });
        }
    });
    here
}

/// What a proxy does with who comes.
#[derive(Debug, Clone)]
pub enum Rule {
    /// Lets everybody through.
    Open,
    /// Lets those through who say this behind `Proxy-Authorization:`.
    SignIn(String),
    /// Answers this head to everybody.
    Says(&'static str),
    /// Answers nothing.
    Silent,
    /// Hangs up on everybody.
    HangsUp,
    /// Agrees, and then hangs up.
    Cuts,
    /// As `SignIn`, but for so many callers only: afterwards it takes the same no more.
    SignInTimes(String, usize),
    /// Speaks SOCKS 5, and wants this name and password.
    Socks(&'static str, &'static str),
}

/// A proxy that knows a few hosts.
pub struct Proxy {
    /// Where it is.
    pub at: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts one that knows these `host:port`.
    pub async fn start(rule: Rule, hosts: &[(&str, SocketAddr)]) -> Self {
        Self::start_at("127.0.0.1:0", rule, hosts).await
    }

    /// Starts one at an address of this computer.
    pub async fn start_at(at: &str, rule: Rule, hosts: &[(&str, SocketAddr)]) -> Self {
        let listener = TcpListener::bind(at).await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let hosts: BTreeMap<String, SocketAddr> = hosts.iter().map(|(host, at)| ((*host).to_owned(), *at)).collect();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let heard = heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (rule, hosts, heard) = (rule.clone(), hosts.clone(), heard.clone());
                tokio::spawn(async move {
                    // A caller that goes away is none of its business.
                    let _ = answer(stream, &rule, &hosts, &heard).await;
                });
            }
        });
        Self { at, heads }
    }

    /// Its address, as people give it.
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The heads of what it was asked.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("nobody panicked").clone()
    }
}

async fn answer(
    mut stream: TcpStream,
    rule: &Rule,
    hosts: &BTreeMap<String, SocketAddr>,
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    if let Rule::Socks(user, password) = rule {
        return socks(stream, (user, password), hosts, heard).await;
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let before = {
        let mut heard = heard.lock().expect("nobody panicked");
        heard.push(head.clone());
        heard.len() - 1
    };
    let refuses = Some("HTTP/1.1 407 Sign in\r\nProxy-Authenticate: Basic realm=\"company\"\r\n");
    let says = match rule {
        Rule::Silent => return std::future::pending().await,
        Rule::HangsUp => return Ok(()),
        Rule::Cuts => return stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await,
        Rule::Says(says) => Some(*says),
        Rule::SignIn(wanted) if sign_in(&head) != Some(wanted) => refuses,
        Rule::SignInTimes(wanted, times) if before >= *times || sign_in(&head) != Some(wanted) => refuses,
        _ => None,
    };
    let there = head.split(' ').nth(1).and_then(|host| hosts.get(host));
    let (Some(there), None) = (there, says) else {
        let says = says.unwrap_or("HTTP/1.1 502 Nobody there\r\n");
        return stream.write_all(format!("{says}Content-Length: 0\r\n\r\n").as_bytes()).await;
    };
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let mut back = TcpStream::connect(there).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut back).await.map(|_| ())
}

/// What stands behind `Proxy-Authorization:`.
fn sign_in(head: &str) -> Option<&str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization")).map(|(_, value)| value)
}

async fn socks(
    mut stream: TcpStream,
    (user, password): (&str, &str),
    hosts: &BTreeMap<String, SocketAddr>,
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let text = async |stream: &mut TcpStream| {
        let mut text = vec![0; usize::from(stream.read_u8().await?)];
        stream.read_exact(&mut text).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&text).into_owned())
    };
    stream.read_u8().await?;
    if !text(&mut stream).await?.contains('\u{2}') {
        return stream.write_all(&[5, 0xff]).await;
    }
    stream.write_all(&[5, 2]).await?;
    stream.read_u8().await?;
    let given = (text(&mut stream).await?, text(&mut stream).await?);
    stream.write_all(&[1, u8::from((given.0.as_str(), given.1.as_str()) != (user, password))]).await?;
    stream.read_exact(&mut [0; 4]).await?;
    let host = format!("{}:{}", text(&mut stream).await?, stream.read_u16().await?);
    heard.lock().expect("nobody panicked").push(host.clone());
    let Some(there) = hosts.get(&host) else { return stream.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).await };
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    let mut back = TcpStream::connect(there).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut back).await.map(|_| ())
}

/// A page that is answered to everybody, whole or as far as it goes, and what it was asked with.
pub struct Page {
    /// Where it is.
    pub at: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Page {
    /// Serves a proxy script.
    pub async fn script(text: impl AsRef<[u8]>) -> Self {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ns-proxy-autoconfig\r\nConnection: close\r\n\r\n";
        Self::start([head.as_bytes(), text.as_ref()].concat(), false).await
    }

    /// Answers these bytes, and hangs up or stays silent then.
    pub async fn start(answer: Vec<u8>, stays: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let at = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (heads.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (heard, answer) = (heard.clone(), answer.clone());
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(next) = stream.read_u8().await else { return };
                        head.push(next);
                    }
                    heard.lock().expect("nobody panicked").push(String::from_utf8_lossy(&head).into_owned());
                    // A caller that has read enough may go away.
                    let _ = stream.write_all(&answer).await;
                    if stays {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Self { at, heads }
    }

    /// The heads of what it was asked.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("nobody panicked").clone()
    }
}

/// A database of GNOME's settings that names a proxy script at a port of this computer. It is one that GNOME's own
/// compiler made, with the script's address written over by one of the same length.
pub fn gnome_naming(script: SocketAddr) -> Vec<u8> {
    const MADE: &[u8] = include_bytes!("../core/network/dconf/script");
    const ADDRESS: &str = "http://wpad.example/proxy.pac?user=ana";
    let place = MADE.windows(ADDRESS.len()).position(|bytes| bytes == ADDRESS.as_bytes()).expect("its address");
    let wanted = format!("{:x<length$}", format!("http://{script}/proxy.pac?"), length = ADDRESS.len());
    assert_eq!(wanted.len(), ADDRESS.len(), "{wanted}");
    let mut made = MADE.to_vec();
    made[place..place + wanted.len()].copy_from_slice(wanted.as_bytes());
    made
}

/// A service that answers every request with a result of nothing.
pub async fn service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move { while answer_nothing(&mut stream).await.is_ok() {} });
        }
    });
    at
}

async fn answer_nothing(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let id = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default()["id"].take();
    let answer = serde_json::json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", answer.len());
    stream.write_all((head + &answer).as_bytes()).await
}
