//! How services are reached: told, set, tried; the bridge through a company's proxy with its password from the vault.

use std::process::Output;

use patchbay_test_support::Home;
use patchbay_test_support::network::{Authority, Page, Proxy, Rule, gnome_naming, service};
use serde_json::Value;

use crate::{code, patchbay_in};

const PASSWORD: &str = "open-sesame-canary";
const BASIC: &str = "Basic YWxhZGRpbjpvcGVuLXNlc2FtZS1jYW5hcnk=";
const INITIALIZE: &str = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}\n";

/// A computer in a company's network, with a vault and a connection to `service.invalid` outside.
struct Desk {
    home: Home,
    company: Authority,
    proxy: Proxy,
    pem: String,
}

async fn desk() -> Desk {
    let company = Authority::until(2090);
    let there = company.serve("service.invalid", service().await).await;
    let proxy = Proxy::start(Rule::SignIn(BASIC.to_owned()), &[("service.invalid:443", there)]).await;
    let home = Home::new();
    std::fs::create_dir_all(home.path().join("run")).expect("a folder");
    let pem = home.path().join("company.pem");
    std::fs::write(&pem, company.pem()).expect("written");
    let desk = Desk { home, company, proxy, pem: pem.display().to_string() };
    assert_eq!(code(&desk.run(&["vault", "create"], Some("a long passphrase"))).0, 0);
    let add = ["add", "--provider", "custom", "--name", "far", "--set", "url=https://service.invalid/mcp"];
    assert_eq!(code(&desk.run(&add, None)).0, 0);
    desk
}

impl Desk {
    /// Runs the program. What it says never holds the password.
    fn run_with(&self, args: &[&str], input: Option<&str>, more: &[(&str, &str)]) -> Output {
        let folder = self.home.path().join("run").display().to_string();
        let env = [&[("XDG_RUNTIME_DIR", folder.as_str())], more].concat();
        let said = patchbay_in(&self.home, args, input, &env);
        let all = [&said.stdout[..], &said.stderr[..]].concat();
        assert!(!String::from_utf8_lossy(&all).contains("canary"), "{said:?}");
        said
    }

    fn run(&self, args: &[&str], input: Option<&str>) -> Output {
        self.run_with(args, input, &[])
    }

    fn json(&self, args: &[&str]) -> Value {
        let said = self.run(&[args, &["--json"]].concat(), None);
        serde_json::from_slice(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    fn bridge(&self) -> Value {
        serde_json::from_slice(&self.run(&["bridge", "far"], Some(INITIALIZE)).stdout).expect("one answer")
    }

    /// Sets the proxy with its password.
    fn set(&self, password: &str) -> Output {
        let proxy = self.proxy.url();
        let set = ["network", "set", "--proxy", &proxy, "--user", "aladdin", "--password-stdin"];
        self.run(&[&set[..], &["--certificate", &self.pem]].concat(), Some(password))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bridge_and_the_check_go_through_the_proxy_with_the_password_from_the_vault() {
    let desk = desk().await;
    assert_eq!(desk.bridge()["error"]["data"]["code"], "unreachable");
    let set = desk.set(&format!("{PASSWORD}\n"));
    assert_eq!(code(&set), (0, String::new()), "{set:?}");
    let said = String::from_utf8_lossy(&set.stdout).into_owned();
    assert!(said.contains("as aladdin, with a password from the vault") && said.contains("company.pem"), "{said}");
    assert!(desk.bridge()["result"].is_object(), "{}", desk.bridge());
    let tested = desk.json(&["network", "test"]);
    assert_eq!((&tested[0]["id"], &tested[0]["verdict"]), (&"far".into(), &"working".into()), "{tested}");
    assert!(desk.home.files_with(PASSWORD).is_empty() && desk.home.files_with("b3Blbi1zZXNhbWU").is_empty());
    assert_eq!(code(&desk.run(&["vault", "lock"], None)).0, 0);
    assert_eq!(desk.bridge()["error"]["data"]["code"], "vault_locked", "the password cannot be read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_by_all_three_with_the_proxys_name_and_the_next_step() {
    let desk = desk().await;
    assert_eq!(code(&desk.set("a-wrong-canary")).0, 0);
    let bridge = desk.bridge()["error"].clone();
    assert_eq!(bridge["data"]["code"], "proxy_sign_in_refused", "{bridge}");
    let words = bridge["message"].as_str().expect("words").to_owned();
    assert!(words.contains(&desk.proxy.at.to_string()) && words.contains("under Network"), "{words}");
    assert_eq!(desk.json(&["check"])[0]["verdict"], "proxy_sign_in_refused");
    let tested = desk.run(&["network", "test"], None);
    assert_eq!(tested.status.code(), Some(1), "something needs attention");
    assert!(String::from_utf8_lossy(&tested.stdout).contains("refuses the user name or the password"), "{tested:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_its_own_way_and_goes_back_to_that_of_all() {
    let desk = desk().await;
    assert_eq!(code(&desk.set(PASSWORD)).0, 0);
    let own = ["network", "set", "--connection", "far", "--proxy", "none"];
    assert_eq!(code(&desk.run(&own, None)), (0, String::new()));
    assert_eq!(desk.bridge()["error"]["data"]["code"], "unreachable");
    let shown = desk.json(&["network"]);
    assert_eq!(shown["connections"]["far"]["proxy"]["kind"], "none", "{shown}");
    assert_eq!(code(&desk.run(&["network", "clear", "--connection", "far"], None)).0, 0);
    assert!(desk.bridge()["result"].is_object());
    assert_eq!(code(&desk.run(&["network", "set", "--except", ".invalid"], None)).0, 0);
    assert_eq!(desk.bridge()["error"]["data"]["code"], "unreachable", "it is excepted");
    assert_eq!(code(&desk.run(&["network", "clear"], None)).0, 0);
    assert_eq!(desk.json(&["network"])["all"]["proxy"]["kind"], "system");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_proxy_is_used_shown_without_its_password_and_never_for_this_computer() {
    let desk = desk().await;
    let proxy = desk.proxy.url().replace("http://", &format!("http://aladdin:{PASSWORD}@"));
    let env = [("https_proxy", proxy.as_str()), ("http_proxy", proxy.as_str()), ("SSL_CERT_FILE", desk.pem.as_str())];
    let shown = desk.run_with(&["network"], None, &env);
    let at = desk.proxy.at.to_string();
    assert!(String::from_utf8_lossy(&shown.stdout).contains(&format!("the system's proxy {at}")), "{shown:?}");
    let bridge = |args: &[&str], env: &[(&str, &str)]| {
        serde_json::from_slice::<Value>(&desk.run_with(args, Some(INITIALIZE), env).stdout).expect("one answer")
    };
    assert!(bridge(&["bridge", "far"], &env)["result"].is_object());
    let asked = desk.proxy.heads().len();
    let near = format!("http://{}/mcp", service().await);
    assert!(bridge(&["bridge", "--url", &near], &env)["result"].is_object());
    assert_eq!(desk.proxy.heads().len(), asked, "what is on this computer goes past it");
    let excepted = [&env[..], &[("NO_PROXY", "service.invalid")]].concat();
    assert_eq!(bridge(&["bridge", "far"], &excepted)["error"]["data"]["code"], "unreachable");
}

#[test]
fn what_the_desktop_has_set_is_shown_a_script_and_unreadable_settings_as_well() {
    let home = Home::new();
    let folder = home.path().join("settings");
    std::fs::create_dir_all(folder.join("dconf")).expect("made");
    let (folder, kde) = (folder.display().to_string(), folder.join("kioslaverc"));
    let show = |args: &[&str], desktop: &str| {
        let env = [("XDG_CONFIG_HOME", folder.as_str()), ("XDG_CURRENT_DESKTOP", desktop), ("DCONF_PROFILE", "/none")];
        String::from_utf8_lossy(&patchbay_in(&home, args, None, &env).stdout).into_owned()
    };
    std::fs::write(&kde, "[Proxy Settings]\nProxyType=1\nhttpsProxy=http://one.example 3128\n").expect("written");
    assert_eq!(show(&["network"], "KDE"), "All connections: through the system's proxy one.example:3128\n");
    let reversed = "NoProxyFor=.intra.example\nReversedException=true\n";
    std::fs::write(&kde, format!("[Proxy Settings]\nProxyType=1\nhttpsProxy=http://one.example 3128\n{reversed}"))
        .expect("written");
    let said = show(&["network"], "KDE");
    assert!(said.contains("those through the system's proxy one.example:3128"), "{said}");
    std::fs::write(&kde, "[Proxy Settings]\nProxyType=1\nhttpsProxy=gopher://ana:canary@x\n").expect("written");
    let said = show(&["network"], "KDE");
    assert!(said.contains("in a way that Patchbay cannot use") && !said.contains("canary"), "{said}");
    let script = "[Proxy Settings]\nProxyType=2\nProxy Config Script=http://wpad.example/proxy.pac\n";
    std::fs::write(&kde, script).expect("written");
    let said = show(&["network"], "KDE");
    let wanted = "as the system's proxy script http://wpad.example/proxy.pac says for each service";
    assert!(said.contains(wanted), "{said}");
    let note: Value = serde_json::from_str(&show(&["network", "--json"], "KDE")).expect("JSON");
    assert_eq!(note["system_proxy_note"]["kind"], "script", "{note}");
    std::fs::write(std::path::Path::new(&folder).join("dconf/user"), "garbage").expect("written");
    let said = show(&["network"], "GNOME");
    assert!(said.contains("cannot be read from") && said.contains("dconf/user"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gnomes_proxy_script_says_counts_for_the_bridge_and_the_check() {
    let desk = desk().await;
    let there = desk.company.serve("service.invalid", service().await).await;
    let proxy = Proxy::start(Rule::Open, &[("service.invalid:443", there)]).await;
    let text = format!(
        "function FindProxyForURL(url, host) {{ return dnsDomainIs(host, '.invalid') ? 'PROXY {}' : 'DIRECT' }}",
        proxy.at
    );
    let script = Page::script(text).await;
    std::fs::create_dir_all(desk.home.path().join(".config/dconf")).expect("made");
    std::fs::write(desk.home.path().join(".config/dconf/user"), gnome_naming(script.at)).expect("written");
    let env = [("SSL_CERT_FILE", desk.pem.as_str()), ("DCONF_PROFILE", "/none"), ("XDG_CURRENT_DESKTOP", "GNOME")];
    let bridge = desk.run_with(&["bridge", "far"], Some(INITIALIZE), &env);
    let answer: Value = serde_json::from_slice(&bridge.stdout).expect("one answer");
    assert!(answer["result"].is_object(), "{answer}");
    let tested = desk.run_with(&["network", "test"], None, &env);
    assert_eq!(String::from_utf8_lossy(&tested.stdout), "far: it can be reached\n");
    let asked = proxy.heads().len();
    let checked = desk.run_with(&["check"], None, &env);
    assert!(proxy.heads().len() > asked, "{checked:?}");
    assert_eq!(script.heads().len(), 3, "once in each process");
    drop(desk.run_with(&["list"], None, &env));
    assert_eq!(script.heads().len(), 3, "and by none that reaches nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_proxy_forgets_the_password_and_says_so() {
    let desk = desk().await;
    assert_eq!(code(&desk.set(PASSWORD)).0, 0);
    let same = desk.run(&["network", "set", "--except", "intranet.example"], None);
    assert!(!String::from_utf8_lossy(&same.stderr).contains("forgotten"), "{same:?}");
    for wrong in ["http://bob:pw@127.0.0.1:9", "nonsense"] {
        let refused = desk.run(&["network", "set", "--proxy", wrong], None);
        assert_eq!(refused.status.code(), Some(2));
        assert!(!String::from_utf8_lossy(&refused.stderr).contains("forgotten"), "nothing was: {refused:?}");
    }
    let other = desk.run(&["network", "set", "--proxy", "http://127.0.0.1:9"], None);
    let words = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(words.contains("The user name aladdin and its password") && words.contains("--password-stdin"), "{words}");
    let checked = desk.run(&["check"], None);
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("patchbay network set --help"), "{said}");
    assert_eq!(said.matches("network's proxy 127.0.0.1:9 cannot be reached").count(), 1, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_file_that_is_gone_is_told_in_whole_sentences() {
    let desk = desk().await;
    assert_eq!(code(&desk.set(PASSWORD)).0, 0);
    std::fs::remove_file(&desk.pem).expect("removed");
    let said = String::from_utf8_lossy(&desk.run(&["check"], None).stdout).into_owned();
    assert!(said.contains("company.pem. Choose the file"), "{said}");
    let bridge = desk.bridge()["error"]["message"].to_string();
    assert!(bridge.contains("company.pem. Choose the file"), "{bridge}");
}

#[test]
fn where_all_stays_on_this_computer_there_is_no_proxy_to_try() {
    let home = Home::new();
    let add = ["add", "--provider", "custom", "--name", "near", "--set", "url=http://127.0.0.1:9/mcp"];
    assert_eq!(code(&patchbay_in(&home, &add, None, &[])).0, 0);
    let tested = patchbay_in(&home, &["network", "test"], None, &[]);
    assert!(String::from_utf8_lossy(&tested.stdout).contains("no proxy is ever used"), "{tested:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_refused_with_its_field() {
    let desk = desk().await;
    let field = |args: &[&str]| desk.json(&[&["network", "set"], args].concat())["error"]["field"].clone();
    assert_eq!(field(&["--proxy", "http://x/y.pac"]), "proxy");
    assert_eq!(field(&["--proxy", "nonsense"]), "proxy");
    assert_eq!(field(&["--except", "10.0.0.0/99"]), "except");
    let nothing = desk.run(&["network", "set"], None);
    let words = String::from_utf8_lossy(&nothing.stderr).into_owned();
    assert_eq!((nothing.status.code(), words.contains("patchbay network set --help")), (Some(2), true), "{words}");
    assert_eq!(field(&["--certificate", "/nowhere.pem"]), "certificates");
    assert_eq!(field(&["--user", "aladdin"]), "user");
    let told = desk.run(&["network", "set", "--proxy", "http://a:canary@x:1", "--json"], None);
    assert_eq!(code(&told), (2, "proxy_invalid".to_owned()));
    assert_eq!(desk.json(&["network", "--connection", "nope"])["error"]["code"], "unknown_connection");
}
