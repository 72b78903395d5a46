use patchbay_core::Code;
use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Request};
use patchbay_core::probe::Verdict;
use patchbay_core::secret::{Backend, Key, Secret, SecretStore, StoreStatus, Vault};
use rstest::rstest;

use crate::api::{World, world};

const PASSPHRASE: &str = "a long passphrase";

impl World {
    async fn use_place(&self, backend: Backend) -> Result<(), patchbay_core::Error> {
        self.do_it(Request::SetBackend { backend }).await.map(drop)
    }

    async fn vault(&self, request: Request) -> Result<(), patchbay_core::Error> {
        self.patchbay.call(request, Some(Secret::new(PASSPHRASE))).await.map(drop)
    }

    fn backend(&self) -> Backend {
        self.patchbay.state().expect("a state").settings.backend
    }

    /// How many secrets the vault holds.
    fn in_vault(&self) -> usize {
        let bytes = std::fs::read(self.home.data().join("vault.json")).expect("a vault");
        let vault: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        vault["entries"].as_object().map_or(0, serde_json::Map::len)
    }

    fn keys(&self) -> Vec<Key> {
        self.patchbay.state().expect("a state").connections[0].keys()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_go_where_they_are_kept_from_now_on() {
    let world = world().await;
    world.connected().await;
    let (_, new) = world.token(&["profile:read"]).await;
    let renew = Request::Renew { id: "my-notes".into(), token: None, expires: None, scopes: None };
    world.patchbay.call(renew, Some(Secret::new(new))).await.expect("it is renewed");
    assert_eq!(world.secrets(), 2);
    world.vault(Request::VaultCreate).await.expect("made");
    assert_eq!((world.backend(), world.secrets(), world.in_vault()), (Backend::Vault, 0, 2));
    assert_eq!(world.verdict().await, Verdict::Working);
    assert_eq!(world.snapshot().secrets.status, Some(StoreStatus::Ready));

    // Another process, which began before: it reads where the tokens are now.
    let other =
        Patchbay::with(world.patchbay.host(), SecretStore::with_store(world.keychain.clone()), jiff::Timestamp::now);
    other.call(Request::VaultUnlock, Some(Secret::new(PASSPHRASE))).await.expect("unlocked");
    world.use_place(Backend::Keychain).await.expect("and back");
    assert_eq!((world.backend(), world.secrets(), world.in_vault()), (Backend::Keychain, 2, 0));
    let Ok(Answer::Reports(reports)) = other.call(Request::Check { ids: Vec::new() }, None).await else {
        panic!("no reports")
    };
    assert_eq!(reports[0].report.verdict, Verdict::Working);
    assert!(world.patchbay.state().expect("a state").moving.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_vault_is_named_and_nothing_moves() {
    let world = world().await;
    world.connected().await;
    Vault::at(&world.home.data()).create(&Secret::new(PASSPHRASE)).expect("made");
    world.vault(Request::VaultLock).await.expect("locked");
    let refused = world.use_place(Backend::Vault).await.expect_err("it is locked");
    assert_eq!((refused.code, world.backend(), world.secrets()), (Code::VaultLocked, Backend::Keychain, 1));
    assert_eq!(world.verdict().await, Verdict::Working);

    world.vault(Request::VaultUnlock).await.expect("unlocked");
    world.use_place(Backend::Vault).await.expect("now it can");
    world.vault(Request::VaultLock).await.expect("locked");
    let refused = world.use_place(Backend::Keychain).await.expect_err("it is locked");
    assert_eq!((refused.code, world.backend()), (Code::VaultLocked, Backend::Vault));
    assert_eq!((world.secrets(), world.in_vault()), (0, 1));
}

/// A kill before the setting changed, and after it: the token stands twice, and then once.
#[rstest]
#[case::before(Backend::Keychain)]
#[case::after(Backend::Vault)]
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_was_cut_off_is_settled(#[case] reached: Backend) {
    let world = world().await;
    let (_, token) = world.connected().await;
    world.vault(Request::VaultCreate).await.expect("made");
    let key = world.keys()[0].clone();
    world.put(&key, &token);
    let path = world.home.data().join("state.json");
    let mut state = world.patchbay.state().expect("a state");
    state.settings.backend = reached;
    state.moving = vec![key.as_str().to_owned()];
    std::fs::write(&path, serde_json::to_string(&state).expect("JSON")).expect("written");
    world.patchbay.settle().await.expect("it can be settled");
    let kept = if reached == Backend::Vault { (0, 1) } else { (1, 0) };
    assert_eq!((world.secrets(), world.in_vault()), kept);
    assert_eq!(world.verdict().await, Verdict::Working);
    assert!(world.patchbay.state().expect("a state").moving.is_empty());
}

/// A move that was cut off and a place that stays locked: the token is not forgotten there.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_cleared_now_is_cleared_later() {
    let world = world().await;
    let (_, token) = world.connected().await;
    world.vault(Request::VaultCreate).await.expect("made");
    let key = world.keys()[0].clone();
    world.put(&key, &token);
    world.vault(Request::VaultLock).await.expect("locked");
    let mut state = world.patchbay.state().expect("a state");
    state.settings.backend = Backend::Keychain;
    state.moving = vec![key.as_str().to_owned()];
    let path = world.home.data().join("state.json");
    std::fs::write(&path, serde_json::to_string(&state).expect("JSON")).expect("written");
    world.patchbay.settle().await.expect("it is no hindrance");
    assert_eq!((world.in_vault(), world.patchbay.state().expect("a state").moving.len()), (1, 1));
    world.vault(Request::VaultUnlock).await.expect("unlocked");
    world.patchbay.settle().await.expect("it can be settled");
    assert_eq!((world.in_vault(), world.secrets()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_vault_is_no_dead_end() {
    let world = world().await;
    world.connected().await;
    world.vault(Request::VaultCreate).await.expect("made");
    std::fs::write(world.home.data().join("vault.json"), "{ damaged").expect("written");
    world.do_it(Request::SecretsStatus).await.expect("a status");
    assert_eq!(world.snapshot().secrets.status, Some(StoreStatus::VaultDamaged));
    world.vault(Request::VaultCreate).await.expect("a new one is made");
    assert_eq!(world.snapshot().secrets.status, Some(StoreStatus::Ready));
    let (_, new) = world.token(&["profile:read"]).await;
    let renew = Request::Renew { id: "my-notes".into(), token: None, expires: None, scopes: None };
    world.patchbay.call(renew, Some(Secret::new(new))).await.expect("it takes a token again");
    assert_eq!(world.verdict().await, Verdict::Working);

    std::fs::write(world.home.data().join("vault.json"), "{ damaged").expect("written");
    world.use_place(Backend::Keychain).await.expect("and it holds nobody back");
    assert_eq!(world.backend(), Backend::Keychain);
}
