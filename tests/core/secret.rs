use std::sync::Arc;

use patchbay_core::api::Patchbay;
use patchbay_core::secret::{
    Backend, Key, RedactingWriter, Secret, SecretStore, StoreStatus, Vault, bus_to_adopt, find_plaintext, mask,
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
    let other = Vault::at(&home.data());
    assert_eq!(other.unlock(&Secret::new("another one")).expect_err("wrong").code, Code::VaultPassphrase);

    let vault = Arc::new(vault);
    let store = SecretStore::of_vault(vault.clone());
    store.write(&key(), &Secret::new(CANARY)).await.expect("written");
    assert_eq!(store.read(&key()).await.expect("read"), Some(Secret::new(CANARY)));
    assert_eq!(home.files_with(CANARY), Vec::<std::path::PathBuf>::new());

    // As another process finds it: open where the kernel keeps keys, and else with the passphrase.
    assert!(matches!(other.status(), StoreStatus::Ready | StoreStatus::VaultLocked));
    other.unlock(&Secret::new("a long passphrase")).expect("unlocked");
    let other = Arc::new(other);
    let found = SecretStore::of_vault(other.clone()).read(&key()).await;
    assert_eq!(found.expect("read"), Some(Secret::new(CANARY)));

    other.lock();
    vault.lock();
    for store in [store, SecretStore::system(&home.data(), Backend::Vault)] {
        assert_eq!(store.status().await, StoreStatus::VaultLocked);
        assert_eq!(store.read(&key()).await.expect_err("locked").code, Code::VaultLocked);
    }
}

/// The way out that the window offers: a new vault, the damaged file kept, a sound one never touched.
#[rstest]
#[case::cut_short("{")]
#[case::empty("")]
#[case::no_salt(r#"{"version":1,"salt":"xy","memory_kib":65536,"passes":3,"check":{"nonce":"","text":""}}"#)]
fn a_damaged_vault_is_moved_aside_for_a_new_one(#[case] damaged: &str) {
    let home = Home::new();
    let (path, passphrase) = (home.data().join("vault.json"), Secret::new("a long passphrase"));
    std::fs::create_dir_all(home.data()).expect("a folder");
    std::fs::write(&path, damaged).expect("written");
    let vault = Vault::at(&home.data());
    assert_eq!(vault.status(), StoreStatus::VaultDamaged);
    vault.create(&passphrase).expect("made");
    assert_eq!(vault.status(), StoreStatus::Ready);
    let names = std::fs::read_dir(home.data()).expect("a folder").filter_map(Result::ok);
    let kept: Vec<_> = names.filter(|file| file.file_name().to_string_lossy().contains(".damaged-")).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(std::fs::read_to_string(kept[0].path()).expect("text"), damaged);

    vault.lock();
    let sound = std::fs::read_to_string(&path).expect("text");
    assert_eq!(vault.create(&passphrase).expect_err("it is sound").code, Code::NameTaken);
    let newer = sound.replacen("\"version\": 1", "\"version\": 2", 1);
    std::fs::write(&path, &newer).expect("written");
    assert_eq!(vault.create(&passphrase).expect_err("it is newer").code, Code::StateNewer);
    assert_eq!(std::fs::read_to_string(&path).expect("text"), newer);
}

#[test]
fn one_damaged_token_does_not_close_the_vault() {
    let home = Home::new();
    let vault = Arc::new(Vault::at(&home.data()));
    vault.create(&Secret::new("a long passphrase")).expect("made");
    let (store, other) = (SecretStore::of_vault(vault), Key::new("t-2", "https://example.com"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        store.write(&key(), &Secret::new(CANARY)).await.expect("written");
        store.write(&other, &Secret::new(CANARY)).await.expect("written");
        let path = home.data().join("vault.json");
        let text = std::fs::read_to_string(&path).expect("text");
        let name = format!("\"{}\"", other.as_str());
        let (before, after) = text.split_once(&name).expect("its entry");
        let spoilt = after.replacen("\"text\": \"", "\"text\": \"00", 1);
        std::fs::write(&path, format!("{before}{name}{spoilt}")).expect("written");
        assert_eq!(store.read(&other).await.expect_err("damaged").code, Code::TokenMissing);
        assert_eq!(store.read(&key()).await.expect("read"), Some(Secret::new(CANARY)));
        store.write(&other, &Secret::new(CANARY)).await.expect("given again");
        assert_eq!(store.read(&other).await.expect("read"), Some(Secret::new(CANARY)));
    });
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
#[case("Authorization: DPoP abcdefgh12345", "Authorization: DPoP •••")]
#[case("token rtly_mcp_pat_12_abcdefghij here", "token ••• here")]
#[case("https://user:pass@example.com/x", "https://•••@example.com/x")]
#[case("https://example.com/?api_key=abcdefgh12&b=1", "https://example.com/?api_key=•••&b=1")]
#[case("psql postgres://me:pa55word@db/x", "psql postgres://•••@db/x")]
#[case("https://f.example/api?code=abcdefghijklmnop&x=1", "https://f.example/api?code=•••&x=1")]
#[case("https://f.example/?code=EN&auth=12345678", "https://f.example/?code=EN&auth=•••")]
#[case("a pba_0123456789abcdef pbr_0123456789abcdef pbs_0123456789abcdef pbo_0123456789abcdef", "a ••• ••• ••• •••")]
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

#[test]
fn of_secrets_that_share_a_part_nothing_is_left_when_they_are_masked() {
    let headers = json!({ "X-Token": "canary-12", "X-Key": "canary-1299998888", "X-Auth": "1299998888-canary" });
    let entry = json!({ "headers": headers });
    let text = "a canary-1299998888, a canary-12, x\"canary-12\" and canary-1299998888-canary.";
    assert_eq!(mask(text, std::iter::once(&entry)), "a •••, a •••, x\"•••\" and •••.");
    let other = "ghp_9999canary-12999999999999999999999999999";
    assert_eq!(mask(other, std::iter::once(&entry)), "•••", "nor of another's that has one within");
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
#[case(json!({ "args": ["postgres://me:pa55word@db/x", "postgres://me:${PASS}@db/x"] }), &["args[0]"])]
#[case(json!({ "args": ["--header", "X-Key: abc", "--header", "X-Auth: abc"] }), &["args[1]", "args[3]"])]
#[case(json!({ "env": { "DB_PASS": "x", "DATABASE_URL": "mysql://a:b@c/d", "AUTHOR": "me", "KEYBOARD": "de" } }), &["env.DATABASE_URL", "env.DB_PASS"])]
#[case(json!({ "url": "https://x/mcp?code=abcdefghijklmnop" }), &["url"])]
#[case(json!({ "url": "https://x/mcp?code=EN" }), &[])]
fn plain_text_tokens_are_found(#[case] entry: serde_json::Value, #[case] wanted: &[&str]) {
    let mut found: Vec<_> = find_plaintext(&entry).into_iter().map(|finding| finding.path).collect();
    let mut wanted = wanted.to_vec();
    found.sort();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}
