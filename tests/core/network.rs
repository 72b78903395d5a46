use std::path::Path;

use jiff::Timestamp;
use patchbay_core::Code;
use patchbay_core::secret::Secret;
use patchbay_core::wire::{Endpoint, Except, Network, Proxy, SystemProxy, read_certificates, veil};
use patchbay_test_support::network::Authority;
use rstest::rstest;
use url::Url;

/// Set, cleared and tried at the front door; passwords kept and deleted.
#[path = "network/choice.rs"]
mod choice;
/// What Linux desktops have set.
#[path = "network/desktop.rs"]
mod desktop;
/// What a proxy script says, from GNOME's settings to the service.
#[path = "network/script.rs"]
mod script;

fn url(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

#[rstest]
#[case("example.com", "https://example.com/", true)]
#[case("example.com", "https://api.EXAMPLE.com./", true)]
#[case("example.com", "https://notexample.com/", false)]
#[case("example.com", "https://example.com.evil.test/", false)]
#[case(".example.com", "https://example.com/", true)]
#[case(".example.com", "https://a.b.example.com/", true)]
#[case("*.example.com", "https://a.example.com/", true)]
#[case("b\u{fc}cher.example", "https://xn--bcher-kva.example/", true)]
#[case("example.com:8443", "https://example.com:8443/", true)]
#[case("example.com:8443", "https://example.com/", false)]
#[case("example.com:443", "https://example.com/", true)]
#[case("10.0.0.0/8", "https://10.200.3.4/", true)]
#[case("10.0.0.0/8", "https://11.0.0.1/", false)]
#[case("10.1.2.3", "https://10.1.2.3:8443/", true)]
#[case("10.1.2.3:443", "https://10.1.2.3:8443/", false)]
#[case("10.0.0.0/8", "https://10.example.com/", false)]
#[case("0.0.0.0/0", "https://8.8.8.8/", true)]
#[case("fd00::/8", "https://[fd12::1]/", true)]
#[case("fd00::/8", "https://[fe80::1]/", false)]
#[case("[fd12::1]", "https://[fd12::1]/", true)]
#[case("[fd12::1]:8443", "https://[fd12::1]/", false)]
#[case("0.0.0.0/0", "https://[fd12::1]/", false)]
#[case("*", "https://anything.example/", true)]
#[case("<local>", "https://intranet/", true)]
#[case("<local>", "https://intranet.example/", false)]
#[case("a.example, , 10.0.0.0/99 ;b.example", "https://b.example/", true)]
#[case(" a.example  b.example ", "https://b.example/", true)]
#[case("EXAMPLE.com", "https://api.example.COM/", true)]
#[case("*.Example.com:8443", "https://a.example.com:8443/", true)]
#[case("*.example.com", "https://example.com/", true)]
#[case("[::1]:8443", "https://[::1]:8443/", true)]
#[case("10.0.0.0/8:443", "https://10.0.0.1/", true)]
#[case("10.0.0.0/8:443", "https://10.0.0.1:8443/", false)]
#[case("10.0.0.0/99", "https://10.0.0.1/", false)]
#[case("", "https://example.com/", false)]
fn exceptions_follow_the_rules_of_no_proxy(#[case] list: &str, #[case] address: &str, #[case] covered: bool) {
    assert_eq!(Except::lenient(list).covers(&url(address)), covered);
}

#[rstest]
#[case("10.0.0.0/33")]
#[case("not a host")]
#[case("a*b.example")]
#[case("host:99999")]
fn what_is_no_exception_is_refused_by_name(#[case] entry: &str) {
    let refused = Except::strict(&["fine.example".to_owned(), entry.to_owned()]).expect_err("refused");
    assert_eq!((refused.code, refused.field.as_deref()), (Code::SettingInvalid, Some("except")));
    assert!(refused.message.contains(entry), "{}", refused.message);
}

#[rstest]
#[case("proxy.example:3128", Some("http://proxy.example:3128"))]
#[case(" http://PROXY.example:3128/ ", Some("http://proxy.example:3128"))]
#[case("http://proxy.example", Some("http://proxy.example:80"))]
#[case("https://proxy.example", Some("https://proxy.example:443"))]
#[case("https://proxy.example:80", Some("https://proxy.example:80"))]
#[case("socks5://[::1]", Some("socks5h://[::1]:1080"))]
#[case("", None)]
#[case("ftp://proxy.example", None)]
#[case("http://me:secret@proxy.example:3128", None)]
#[case("http://wpad.example/proxy.pac", None)]
#[case("http://proxy.example:99999", None)]
fn a_proxys_address_is_read_or_refused(#[case] text: &str, #[case] origin: Option<&str>) {
    match (Proxy::at(text), origin) {
        (Ok(proxy), Some(origin)) => assert_eq!(proxy.origin(), origin),
        (Err(refused), None) => {
            assert_eq!((refused.code, refused.field.as_deref()), (Code::ProxyInvalid, Some("proxy")));
            assert!(!format!("{refused:?}").contains("secret"), "{refused:?}");
        }
        (got, _) => panic!("{got:?}"),
    }
}

#[rstest]
#[case(&[("HTTPS_PROXY", "a:1"), ("https_proxy", "b:2"), ("ALL_PROXY", "c:3")], Some("a:1"))]
#[case(&[("https_proxy", "http://user:p%40ss@b:2"), ("ALL_PROXY", "c:3")], Some("b:2"))]
#[case(&[("HTTPS_PROXY", ""), ("all_proxy", "socks5://c:3")], Some("c:3"))]
#[case(&[("ALL_PROXY", "http://[::1]:3128")], Some("[::1]:3128"))]
#[case(&[("https_proxy", "a:1"), ("NO_PROXY", "x.example"), ("no_proxy", "*")], Some("a:1"))]
#[case(&[("https_proxy", "a:1"), ("no_proxy", "X.example SERVICE.example")], None)]
#[case(&[("https_proxy", "a:1"), ("no_proxy", "*")], None)]
#[case(&[("HTTP_PROXY", "d:4")], None)]
#[case(&[("HTTPS_PROXY", "a:1"), ("no_proxy", "service.example")], None)]
#[case(&[("HTTPS_PROXY", "a:1"), ("NO_PROXY", "other.example")], Some("a:1"))]
#[case(&[("HTTPS_PROXY", "::nonsense::")], None)]
fn the_environment_names_the_proxy(#[case] env: &'static [(&str, &str)], #[case] proxy: Option<&str>) {
    let lookup = |name: &str| env.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned());
    let network = Network::system(SystemProxy::of(lookup));
    let found = network.proxy_for(&url("https://service.example/mcp"));
    assert_eq!(found.as_ref().map(ToString::to_string).as_deref(), proxy);
    assert!(!format!("{network:?} {found:?}").contains("p@ss"));
    assert_eq!(network.proxy_for(&url("https://localhost/mcp")), None);
    assert_eq!(network.direct().proxy_for(&url("https://service.example/mcp")), None);
}

/// What a file amounts to: how many certificates, or the words of the refusal.
fn read(path: &Path) -> Result<usize, String> {
    read_certificates(path, Timestamp::now()).map(|all| all.len()).map_err(|refused| {
        assert_eq!((refused.code, refused.field.as_deref()), (Code::CertificateUnfit, Some("certificates")));
        assert_eq!(refused.path.as_deref(), Some(path));
        refused.message
    })
}

#[test]
fn certificate_files_are_read_or_refused_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    let with = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("written");
        read(&path)
    };
    let (company, ended) = (Authority::until(2090), Authority::until(2021));
    assert_eq!(with(company.pem().as_bytes()), Ok(1));
    assert_eq!(with(format!("# ours\r\n{}\r\n{}", company.pem(), company.pem()).as_bytes()), Ok(2));
    assert_eq!(with(&company.der()), Ok(1));
    assert_eq!(with(format!("{}{}", ended.pem(), company.pem()).as_bytes()), Ok(1), "what has ended is left out");
    let refused = |bytes: &[u8], words: &str| {
        let told = with(bytes).expect_err(words);
        assert!(told.contains(words), "{told}");
    };
    refused(ended.pem().as_bytes(), "has ended on 2021-01-01");
    refused(&ended.der(), "has ended on 2021-01-01");
    refused(format!("{}{}", company.pem(), company.key_pem()).as_bytes(), "a private key");
    refused(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "a private key");
    refused(b"\x30\x03\x02\x01\x03", "a private key");
    refused(b"", "no certificate in this file");
    refused(b"hello", "no certificate in this file");
    refused(b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", "no certificate in this file");
    refused(b"-----BEGIN CERTIFICATE-----\n!!!", "no certificate in this file");
    refused(&company.der()[..100], "no certificate in this file");
    let told = read(&folder.path().join("nowhere.pem")).expect_err("not there");
    assert!(told.starts_with("There is no such certificate file"), "{told}");
    assert!(read(folder.path()).expect_err("a folder").contains("folder"));
}

#[test]
fn what_a_proxy_is_signed_in_to_with_is_told_in_no_writing_however_short_it_is() {
    let proxy = Proxy::at("proxy.example:3128").expect("an address").with_sign_in("ali", Some(Secret::new("open")));
    let network = Network::system(SystemProxy::default()).through(proxy);
    let endpoint = Endpoint::new("https://service.example/mcp").expect("an address").with_network(network);
    let veiled = veil("It was sent YWxpOm9wZW4= and ali:open.", &[endpoint]);
    assert_eq!(veiled, "It was sent ••• and •••.");
}
