use std::process::Command;

use patchbay_core::api::Patchbay;
use patchbay_core::secret::{
    Backend, Key, RedactingWriter, Secret, SecretStore, StoreStatus, Vault, bus_to_adopt, find_plaintext,
    record_session_bus, redact,
};
use patchbay_core::{Code, Host};
use patchbay_test_support::Home;
use rstest::rstest;
use serde_json::json;

const CANARY: &str = "canary-b1946ac92492d2347c6235b4d2611184";

fn key() -> Key {
    Key::new("t-1", "https://example.com")
}

#[test]
fn nothing_that_holds_a_secret_shows_it() {
    let secret = Secret::new(CANARY);
    let home = Home::new();
    let store = SecretStore::system(&home.data(), Backend::Vault);
    let endpoint = patchbay_core::wire::Endpoint::new("https://example.com/mcp").expect("an address");
    let endpoint = endpoint.with_auth(&patchbay_core::connection::AuthHeader::default(), &secret).expect("a header");
    let cleaned = patchbay_core::token::clean(CANARY);
    for shown in [format!("{secret:?}"), format!("{store:?}"), format!("{endpoint:?}"), format!("{cleaned:?}")] {
        assert!(!shown.contains(CANARY), "{shown}");
    }
    assert!(!secret.fingerprint("salt").contains(&CANARY[7..12]));
    assert_ne!(secret.fingerprint("salt"), secret.fingerprint("other"), "computers cannot be compared");
}

#[test]
fn a_token_cannot_be_found_for_another_origin() {
    assert_ne!(key().as_str(), Key::new("t-1", "https://evil.example").as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vault_keeps_what_it_gets_and_opens_only_for_its_passphrase() {
    let home = Home::new();
    let vault = Vault::at(&home.data());
    assert_eq!(vault.status(), StoreStatus::VaultMissing);
    assert_eq!(vault.create(&Secret::new("short")).expect_err("too short").code, Code::VaultPassphrase);
    vault.create(&Secret::new("a long passphrase")).expect("made");
    let store = SecretStore::system(&home.data(), Backend::Vault);
    Vault::at(&home.data()).unlock(&Secret::new("a long passphrase")).expect("unlocked");
    assert_eq!(
        Vault::at(&home.data()).unlock(&Secret::new("another one")).expect_err("wrong").code,
        Code::VaultPassphrase
    );
    if store.status().await == StoreStatus::VaultLocked {
        // This kernel has no keyrings: the key lives in the unlocking process's vault alone.
        return;
    }
    store.write(&key(), &Secret::new(CANARY)).await.expect("written");
    assert_eq!(store.read(&key()).await.expect("read"), Some(Secret::new(CANARY)));
    assert_eq!(home.files_with(CANARY), Vec::<std::path::PathBuf>::new());
    vault.lock();
    let locked = SecretStore::system(&home.data(), Backend::Vault).read(&key()).await;
    assert_eq!(locked.expect_err("locked").code, Code::VaultLocked);
}

#[test]
fn a_vault_that_was_tampered_with_is_refused_and_left_alone() {
    let home = Home::new();
    Vault::at(&home.data()).create(&Secret::new("a long passphrase")).expect("made");
    let path = home.data().join("vault.json");
    let good = std::fs::read_to_string(&path).expect("text");
    let salt = good.split("\"salt\": \"").nth(1).and_then(|rest| rest.split('"').next()).expect("a salt").to_owned();
    for (bad, code) in [
        (good.replace(&salt, &"0".repeat(32)), Code::VaultPassphrase),
        (good.replace("\"memory_kib\": 65536", "\"memory_kib\": 4000000000"), Code::VaultDamaged),
        ("{".to_owned(), Code::VaultDamaged),
    ] {
        std::fs::write(&path, &bad).expect("written");
        let refused = Vault::at(&home.data()).unlock(&Secret::new("a long passphrase"));
        assert_eq!(refused.expect_err("refused").code, code);
        assert_eq!(std::fs::read_to_string(&path).expect("text"), bad);
    }
}

/// Runs one test of this binary by itself, in a session of its own.
#[cfg(target_os = "linux")]
fn in_session(test: &str, keyring: &str) -> std::process::Output {
    let home = Home::new();
    let program = std::env::current_exe().expect("this test");
    let script = format!("{keyring}\nexec '{}' --exact {test} --nocapture", program.display());
    let mut session = Command::new("dbus-run-session");
    session.args(["--", "bash", "-c", &script]).env_clear().envs(home.env());
    session.env("PATCHBAY_TEST_INSIDE", "1").env("XDG_RUNTIME_DIR", home.path()).env("LANG", "C.UTF-8");
    session.output().expect("dbus-run-session is installed; `cargo xtask test` sees to it")
}

#[cfg(target_os = "linux")]
fn inside() -> bool {
    std::env::var_os("PATCHBAY_TEST_INSIDE").is_some()
}

#[cfg(target_os = "linux")]
fn assert_passed(output: &std::process::Output) {
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[cfg(target_os = "linux")]
fn keychain() -> SecretStore {
    SecretStore::system(std::path::Path::new("/nonexistent"), Backend::Keychain)
}

#[test]
#[cfg(target_os = "linux")]
fn the_real_keychain_keeps_reads_and_forgets() {
    if !inside() {
        let unlock = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null";
        return assert_passed(&in_session("secret::the_real_keychain_keeps_reads_and_forgets", unlock));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = keychain();
        assert_eq!(store.status().await, StoreStatus::Ready);
        store.write(&key(), &Secret::new(CANARY)).await.expect("written");
        assert_eq!(keychain().read(&key()).await.expect("read"), Some(Secret::new(CANARY)));
        assert_eq!(keychain().read_blocking(&key()).expect("read"), Some(Secret::new(CANARY)));
        store.delete(&key()).await.expect("deleted");
        assert_eq!(store.read(&key()).await.expect("read"), None);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_locked_keychain_says_so_at_once() {
    if !inside() {
        let lock = "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null\n\
                    gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
                    --method org.freedesktop.Secret.Service.Lock \"['/org/freedesktop/secrets/collection/login']\" >/dev/null";
        return assert_passed(&in_session("secret::a_locked_keychain_says_so_at_once", lock));
    }
    let error = keychain().read_blocking(&key()).expect_err("locked");
    assert_eq!(error.code, Code::KeychainLocked, "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn an_absent_keychain_is_told_from_a_locked_one() {
    if !inside() {
        // A bus on which nobody offers secrets, with nothing to start somebody from.
        return assert_passed(&in_session(
            "secret::an_absent_keychain_is_told_from_a_locked_one",
            "unset XDG_DATA_DIRS; export DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent",
        ));
    }
    let error = keychain().read_blocking(&key()).expect_err("absent");
    assert_eq!(error.code, Code::KeychainAbsent, "{error}");
}

#[test]
fn the_bus_is_found_where_an_app_gives_no_address() {
    let home = Home::new();
    let mut host = Host {
        env: home.env(),
        home: home.path().to_path_buf(),
        platform: patchbay_core::Platform::Linux,
        ..Host::real().expect("a machine")
    };
    host.env.insert("XDG_RUNTIME_DIR".into(), home.path().join("run").display().to_string());
    assert_eq!(bus_to_adopt(&host, &home.data()), None, "there is none anywhere");

    let socket = home.path().join("bus");
    std::fs::write(&socket, "").expect("made");
    let address = format!("unix:path={},guid=1", socket.display());
    let mut with = host.clone();
    with.env.insert("DBUS_SESSION_BUS_ADDRESS".into(), address.clone());
    record_session_bus(&with, &home.data()).expect("recorded");
    assert_eq!(bus_to_adopt(&with, &home.data()), None, "the app gave one");
    assert_eq!(bus_to_adopt(&host, &home.data()), Some(address));

    std::fs::remove_file(&socket).expect("removed");
    std::fs::create_dir(home.path().join("run")).expect("made");
    std::fs::write(home.path().join("run/bus"), "").expect("made");
    assert_eq!(bus_to_adopt(&host, &home.data()), Some(format!("unix:path={}", home.path().join("run/bus").display())));
    drop(Patchbay::open(host));
}

#[rstest]
#[case("Authorization: Bearer abcdefgh12345", "Authorization: Bearer •••")]
#[case("token rtly_mcp_pat_12_abcdefghij here", "token ••• here")]
#[case("https://user:pass@example.com/x", "https://•••@example.com/x")]
#[case("https://example.com/?api_key=abcdefgh12&b=1", "https://example.com/?api_key=•••&b=1")]
#[case("nothing to hide, sk-y and key=short", "nothing to hide, sk-y and key=short")]
fn texts_are_redacted(#[case] text: &str, #[case] wanted: &str) {
    assert_eq!(redact(text), wanted);
    let mut out = Vec::new();
    {
        use std::io::Write;
        let mut writer = RedactingWriter::new(&mut out);
        // In pieces that cut the secret in two.
        text.as_bytes().chunks(5).for_each(|piece| writer.write_all(piece).expect("written"));
    }
    assert_eq!(String::from_utf8(out).expect("text"), wanted);
}

#[rstest]
#[case(json!({ "env": { "API_TOKEN": "abc123" } }), &["env.API_TOKEN"])]
#[case(json!({ "env": { "API_TOKEN": "${TOKEN}", "PATHS": "x" } }), &[])]
#[case(json!({ "headers": { "Authorization": "Bearer abc" } }), &["headers.Authorization"])]
#[case(json!({ "headers": { "Authorization": "Bearer ${T}" } }), &[])]
#[case(json!({ "args": ["mcp-remote", "https://x/mcp", "--header", "Authorization: Bearer abc"] }), &["args[3]"])]
#[case(json!({ "args": ["--api-key", "abc", "--token=def", "--verbose"] }), &["args[1]", "args[2]"])]
#[case(json!({ "url": "https://x/mcp?token=abc" }), &["url"])]
#[case(json!({ "uri": "https://x/mcp?api_key=abc" }), &["uri"])]
#[case(json!({ "transport": { "url": "https://x/mcp", "headers": { "X-Api-Key": "abc" } } }), &["transport.headers.X-Api-Key"])]
#[case(json!({ "transport": { "env": { "A/B~C_TOKEN": "abc" }, "args": ["--token", "def"] } }), &["transport.env.A/B~C_TOKEN", "transport.args[1]"])]
#[case(json!({ "headers": { "Authorization": "Bearer ${input:tok}", "X-Token": "${file:/k}", "Y-Token": "${{ secrets.Y }}" } }), &[])]
#[case(json!({ "oauth": { "client_id": "me", "client_secret": "abc" } }), &["oauth.client_secret"])]
#[case(json!({ "command": "patchbay", "args": ["bridge", "notes"] }), &[])]
fn plain_text_tokens_are_found(#[case] entry: serde_json::Value, #[case] wanted: &[&str]) {
    let found: Vec<_> = find_plaintext(&entry).into_iter().map(|finding| finding.path).collect();
    assert_eq!(found, wanted);
}
