//! What Linux desktops have set. The databases in `dconf/` were made of the folders beside them: `dconf compile NAME NAME.d`.

use jiff::Timestamp;
use patchbay_core::wire::{Network, ProxyNote, SystemProxy};
use patchbay_core::{Host, Platform};
use rstest::rstest;
use tempfile::TempDir;

use super::url;

const MANUAL: &[u8] = include_bytes!("dconf/manual");
const SCRIPT: &[u8] = include_bytes!("dconf/script");
const COMPANY: &[u8] = include_bytes!("dconf/company");

/// A home folder with the settings of desktops.
struct Desk {
    home: TempDir,
    host: Host,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let host = Host::bare(Platform::Linux, home.path(), Timestamp::now());
        let none = home.path().join("none").display().to_string();
        // The machine that tests run on has settings of its own.
        Self { home, host }.with("DCONF_PROFILE", &none).with("XDG_CONFIG_DIRS", &none)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.host.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
        self
    }

    fn gnome(self, database: impl AsRef<[u8]>) -> Self {
        self.file(".config/dconf/user", database)
    }

    fn kde(self, settings: &str) -> Self {
        self.file(".config/kioslaverc", settings)
    }

    fn system(&self) -> SystemProxy {
        SystemProxy::of_host(&self.host)
    }

    fn to(&self, address: &str) -> Option<String> {
        Network::system(self.system()).proxy_for(&url(address)).map(|proxy| proxy.origin())
    }

    fn note(&self) -> Option<ProxyNote> {
        self.system().note()
    }
}

const FAR: &str = "https://service.example/mcp";

#[test]
fn what_gnome_has_set_counts_with_its_exceptions() {
    let desk = Desk::new().gnome(MANUAL);
    assert_eq!(desk.to(FAR).as_deref(), Some("http://proxy.example:3128"));
    assert_eq!(desk.system().shown().as_deref(), Some("proxy.example:3128"));
    for past in ["https://a.intra.example/", "https://10.1.2.3/", "https://[::1]/", "https://localhost/"] {
        assert_eq!(desk.to(past), None, "{past}");
    }
    assert_eq!(desk.note(), None);
}

#[test]
fn the_environment_goes_before_the_desktop_and_its_exceptions_count_for_both() {
    let desk = Desk::new().gnome(MANUAL).with("https_proxy", "http://other.example:1");
    assert_eq!(desk.to(FAR).as_deref(), Some("http://other.example:1"));
    let desk = Desk::new().gnome(MANUAL).with("NO_PROXY", "service.example");
    assert_eq!(desk.to(FAR), None);
    let desk = Desk::new().gnome(SCRIPT).with("https_proxy", "http://other.example:1");
    assert_eq!(desk.note(), None, "the script is nothing to know then");
}

#[test]
fn a_script_is_told_without_what_may_be_private_in_its_address_and_no_proxy_of_before_counts() {
    let desk = Desk::new().gnome(SCRIPT);
    assert_eq!((desk.to(FAR), desk.system().shown()), (None, None));
    let address = Some("http://wpad.example/proxy.pac".to_owned());
    assert_eq!(desk.note(), Some(ProxyNote::Script { address }));
}

/// The company's proxy is that for http, which counts for all; what it locks, the user's own settings do not change.
#[test]
fn what_a_company_locks_counts_before_the_users_own() {
    let desk = Desk::new().gnome(MANUAL).file("company", COMPANY);
    let profile =
        format!("user-db:user # mine\nfile-db:{}\nsystem-db:../x\n", desk.home.path().join("company").display());
    let at = desk.home.path().join("profile").display().to_string();
    let desk = desk.file("profile", profile).with("DCONF_PROFILE", &at);
    assert_eq!(desk.to(FAR).as_deref(), Some("http://company.example:8080"));
    assert_eq!(desk.to("https://10.1.2.3/"), None, "what is not locked is the user's to set");
    assert!(!format!("{:?}", desk.system()).contains("canary"));
    let desk = desk.gnome(SCRIPT);
    assert_eq!(desk.note(), None, "nor does a script of the user's count");
}

#[rstest]
#[case::all_lengths(|at: usize| MANUAL[..at].to_vec())]
#[case::a_bit_of_each_byte(|at: usize| flipped(at, 0x01))]
#[case::the_sign_of_each_byte(|at: usize| flipped(at, 0x80))]
#[case::all_of_each_byte(|at: usize| flipped(at, 0xff))]
fn a_damaged_database_names_what_stood_there_or_nothing(#[case] damaged: fn(usize) -> Vec<u8>) {
    let desk = Desk::new();
    let path = desk.home.path().join(".config/dconf/user");
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    for at in 0..MANUAL.len() {
        std::fs::write(&path, damaged(at)).expect("written");
        let (system, _) = (desk.system(), desk.note());
        assert!(Network::system(system).proxy_for(&url("https://localhost/")).is_none());
    }
}

fn flipped(at: usize, bits: u8) -> Vec<u8> {
    let mut all = MANUAL.to_vec();
    all[at] ^= bits;
    all
}

#[test]
fn what_cannot_be_read_is_named_and_never_waited_for() {
    let unread = |desk: &Desk, path: &str| {
        let path = desk.home.path().join(path).display().to_string();
        assert_eq!((desk.to(FAR), desk.note()), (None, Some(ProxyNote::Unread { path })));
    };
    for garbage in [&b"hello"[..], &MANUAL[..20], &[0xff; 4096]] {
        unread(&Desk::new().gnome(garbage), ".config/dconf/user");
    }
    let huge = Desk::new().gnome(MANUAL);
    let file = std::fs::File::options().write(true).open(huge.home.path().join(".config/dconf/user")).expect("opened");
    file.set_len(1 << 40).expect("a file of a terabyte, with nothing in it");
    unread(&huge, ".config/dconf/user");
    let folder = Desk::new().file(".config/dconf/user/x", "");
    unread(&folder, ".config/dconf/user");
    unread(&Desk::new().file(".config/kioslaverc", b"[Proxy Settings]\nProxyType=\xff\n"), ".config/kioslaverc");
    assert_eq!(Desk::new().gnome("").note(), None, "an empty one is being written anew");
    assert_eq!(Desk::new().note(), None, "none at all is nothing to tell");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_the_settings_does_not_hang() {
    let desk = Desk::new().file(".config/dconf/x", "");
    let pipe = desk.home.path().join(".config/dconf/user");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    assert_eq!(desk.note(), Some(ProxyNote::Unread { path: pipe.display().to_string() }));
}

const KDE: &str = "[$Version]\nupdate_info=x\n\n[Proxy Settings]\nNoProxyFor=.intra.example,10.0.0.0/8\nProxyType=1\n\
                   Proxy Config Script=http://wpad.example/p.pac\nhttpProxy=http://one.example 8080\n\
                   httpsProxy[$e]=http://two.example 3128\n[Other]\nhttpsProxy=http://three.example 1\n";

#[test]
fn what_kde_has_set_counts_with_its_exceptions() {
    let desk = Desk::new().kde(KDE);
    assert_eq!(desk.to(FAR).as_deref(), Some("http://two.example:3128"));
    assert_eq!(desk.to("https://a.intra.example/"), None);
    let reversed = Desk::new().kde(&KDE.replace("ProxyType=1", "ProxyType=1\nReversedException=true"));
    assert_eq!(reversed.to(FAR), None);
    assert_eq!(reversed.to("https://a.intra.example/").as_deref(), Some("http://two.example:3128"));
    let note = reversed.note();
    assert_eq!(
        note,
        Some(ProxyNote::ForSome { proxy: "two.example:3128".into() }),
        "none is not true, nor is one for all"
    );
    let socks = Desk::new().kde("[Proxy Settings]\nProxyType=1\nhttpsProxy=\nsocksProxy=socks://one.example 1081\n");
    assert_eq!(socks.to(FAR).as_deref(), Some("socks5h://one.example:1081"));
    for (kind, note) in [("0", None), ("4", None), ("2", Some(Some("http://wpad.example/p.pac"))), ("3", Some(None))] {
        let desk = Desk::new().kde(&KDE.replace("ProxyType=1", &format!("ProxyType={kind}")));
        let note = note.map(|address| ProxyNote::Script { address: address.map(str::to_owned) });
        assert_eq!((desk.to(FAR), desk.note()), (None, note), "{kind}");
    }
}

/// It is told without what it is: a password may stand in it.
#[test]
fn a_proxy_of_kdes_that_cannot_be_used_is_told_and_none_is_not() {
    let of = |https: &str| Desk::new().kde(&format!("[Proxy Settings]\nProxyType=1\nhttpsProxy={https}\n"));
    for garbage in ["http://ana:canary@", "gopher://one.example 70", "http://one.example eighty"] {
        let desk = of(garbage);
        assert_eq!((desk.to(FAR), desk.note()), (None, Some(ProxyNote::Unfit)), "{garbage}");
    }
    assert_eq!(of("").note(), None);
}

#[test]
fn the_users_own_settings_of_kde_go_before_the_systems() {
    let desk = Desk::new().kde("[Proxy Settings]\nhttpsProxy=http://mine.example 1\n").file("etc/kioslaverc", KDE);
    let system = desk.home.path().join("etc").display().to_string();
    let desk = desk.with("XDG_CONFIG_DIRS", &format!("relative:{system}"));
    assert_eq!(desk.to(FAR).as_deref(), Some("http://mine.example:1"), "that there is one is the system's word");
    assert_eq!(desk.to("https://10.1.2.3/"), None);
}

#[rstest]
#[case::kde(Some("KDE"), Some("http://two.example:3128"))]
#[case::gnome(Some("ubuntu:GNOME"), Some("http://proxy.example:3128"))]
#[case::unsaid(None, Some("http://proxy.example:3128"))]
fn of_two_desktops_the_present_one_counts(#[case] present: Option<&str>, #[case] proxy: Option<&str>) {
    let mut desk = Desk::new().gnome(MANUAL).kde(KDE);
    if let Some(present) = present {
        desk = desk.with("XDG_CURRENT_DESKTOP", present);
    }
    assert_eq!(desk.to(FAR).as_deref(), proxy);
}

#[test]
fn where_nobody_says_which_desktop_it_is_each_of_them_counts() {
    assert_eq!(Desk::new().kde(KDE).to(FAR).as_deref(), Some("http://two.example:3128"));
    let desk = Desk::new().gnome("garbage").kde(KDE);
    assert_eq!((desk.to(FAR).as_deref(), desk.note()), (Some("http://two.example:3128"), None));
    let mut windows = Desk::new().gnome(MANUAL);
    windows.host.platform = Platform::MacOs;
    assert_eq!(windows.to(FAR), None, "elsewhere it is not asked");
}

/// As a person sets it: by GNOME's own programs.
#[cfg(target_os = "linux")]
#[test]
fn what_gnomes_own_programs_write_is_read() {
    let desk = Desk::new();
    let set = |key: &str, value: &str| format!("gsettings set org.gnome.system.proxy{key} {value}");
    let script = [
        set("", "mode manual"),
        set(".socks", "host fd12::1"),
        set(".socks", "port 1081"),
        set("", "ignore-hosts \"['example.com', '*.intra.example', 'h\u{e9}.example', 'fd00::/8']\""),
    ];
    let run = std::process::Command::new("dbus-run-session")
        .args(["--", "sh", "-ec", &script.join("\n")])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", desk.home.path())
        .env("GSETTINGS_BACKEND", "dconf")
        .output()
        .expect("dbus-run-session runs");
    assert!(run.status.success(), "{run:?}");
    assert!(desk.home.path().join(".config/dconf/user").is_file(), "it is dconf that was asked: {run:?}");
    assert_eq!(desk.to(FAR).as_deref(), Some("socks5h://[fd12::1]:1081"));
    for past in ["https://example.com/", "https://a.intra.example/", "https://h\u{e9}.example/", "https://[fd00::7]/"] {
        assert_eq!(desk.to(past), None, "{past}");
    }
}
