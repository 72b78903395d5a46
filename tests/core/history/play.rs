//! Files and state agree, whatever is done and undone in whatever order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use patchbay_core::api::Patchbay;
use patchbay_core::api::message::{Answer, Connect, Request};
use patchbay_core::api::view::{ActivityKind, ActivityView};
use patchbay_core::{Code, Error};
use patchbay_test_support::Home;
use proptest::prelude::*;

use crate::api::{open, original, place};

/// What may happen, with numbers that choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    Connect(usize),
    Place(usize, u8),
    Remove(usize),
    Edit(usize, u8),
    PutBack(usize),
    Undo(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_usize).prop_map(Step::Connect),
        3 => (0..3_usize, 0..8_u8).prop_map(|(n, apps)| Step::Place(n, apps)),
        1 => (0..3_usize).prop_map(Step::Remove),
        2 => (0..3_usize, 0..4_u8).prop_map(|(n, what)| Step::Edit(n, what)),
        1 => (0..3_usize).prop_map(Step::PutBack),
        4 => (0..20_usize).prop_map(Step::Undo),
    ]
}

const APPS: [&str; 3] = ["claude-desktop", "claude-code", "codex"];

struct Play {
    home: Home,
    patchbay: Patchbay,
}

impl Play {
    fn new() -> Self {
        let home = Home::new();
        for (client, text) in APPS.iter().zip(original()) {
            home.write(client, &text);
        }
        let keychain: std::sync::Arc<keyring_core::CredentialStore> = keyring_core::mock::Store::new().expect("a mock");
        let patchbay = open(&home, &keychain, Timestamp::now);
        Self { home, patchbay }
    }

    fn files(&self) -> Vec<String> {
        APPS.iter().map(|client| self.home.read(client)).collect()
    }

    fn activity(&self) -> Vec<ActivityView> {
        self.patchbay.snapshot().expect("a snapshot").activity
    }

    async fn call(&self, request: Request) -> Result<Answer, Error> {
        self.patchbay.call(request, None).await
    }

    async fn step(&self, step: &Step) {
        let settings = |n: u8| BTreeMap::from([("url".to_owned(), format!("http://127.0.0.1:{}/mcp", 9 + n / 2))]);
        match step {
            Step::Connect(n) => {
                let connect = Connect {
                    provider: "custom".into(),
                    name: format!("Name {n}"),
                    settings: settings(0),
                    places: vec![place(APPS[*n])],
                    token: None,
                    overrule: false,
                };
                let _ = self.call(Request::Connect { connect, expected: None }).await;
            }
            Step::Place(n, apps) => {
                let chosen = APPS.iter().enumerate().filter(|(bit, _)| apps >> bit & 1 == 1);
                let places = chosen.map(|(_, client)| place(client)).collect();
                let _ = self.call(Request::Place { id: format!("name-{n}"), places, expected: None }).await;
            }
            Step::Remove(n) => {
                let _ = self.call(Request::Remove { id: format!("name-{n}"), expected: None }).await;
            }
            Step::Edit(n, what) => {
                let name = if what % 2 == 0 { format!("Name {n}") } else { format!("Other {n}") };
                let edit = Request::Edit { id: format!("name-{n}"), name, settings: settings(*what) };
                let _ = self.call(edit).await;
            }
            Step::PutBack(n) => {
                let text = self.home.read("claude-code").replace(&format!("[\"bridge\", \"name-{n}\"]"), "[\"x\"]");
                self.home.write("claude-code", &text);
                self.settle_drift().await;
            }
            Step::Undo(n) => self.undo(*n).await,
        }
    }

    /// What an undone *Put back* brings up again is put back.
    async fn settle_drift(&self) {
        for drift in self.patchbay.drift().expect("a look") {
            let (id, client, scope) = (drift.connection, drift.client, drift.scope);
            self.call(Request::PutBack { id, client, scope }).await.expect("put back");
        }
    }

    /// Undoes one of all changes: it can be exactly where that was said.
    async fn undo(&self, n: usize) {
        let all = self.activity();
        let Some(change) = (!all.is_empty()).then(|| &all[n % all.len()]) else { return };
        let before = self.files();
        let undone = self.call(Request::Undo { change: Some(change.id.clone()) }).await;
        match undone {
            Ok(_) => assert!(change.can_undo, "undone, although {change:?}"),
            Err(error) => {
                // A name is compared with all others only when it comes to it.
                assert!(!change.can_undo || error.code == Code::NameTaken, "{error} for {change:?}");
                assert_eq!(self.files(), before);
            }
        }
        if change.kind == ActivityKind::PutBack {
            self.settle_drift().await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn files_and_state_agree_after_every_step_and_undoing_all_gives_the_original_bytes(
        steps in proptest::collection::vec(step(), 1..14),
        order in proptest::collection::vec(0..50_usize, 60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let play = Play::new();
            for step in &steps {
                play.step(step).await;
                assert_eq!(play.patchbay.drift().expect("a look"), [], "after {step:?}");
            }
            for n in order {
                // What undoing *Put back* brings back is somebody else's, and not the original.
                let ours = |change: &ActivityView| change.can_undo && change.kind != ActivityKind::PutBack;
                let open: Vec<_> = play.activity().into_iter().filter(ours).collect();
                let Some(change) = (!open.is_empty()).then(|| &open[n % open.len()]) else { break };
                play.call(Request::Undo { change: Some(change.id.clone()) }).await.expect("it was said to be possible");
            }
            let values = |files: Vec<String>| files.iter().map(|file| file.split_whitespace().collect::<String>()).collect::<Vec<_>>();
            let (left, whole) = (values(play.files()), values(original()));
            // Where somebody else wrote the file in between, the table that was made for an entry may stay, empty.
            let others_wrote = play.activity().iter().any(|change| change.kind == ActivityKind::PutBack);
            if others_wrote && left != whole {
                let bare = left.iter().map(|file| file.replace(",\"mcpServers\":{}", "")).collect::<Vec<_>>();
                prop_assert_eq!(bare, whole);
            } else {
                prop_assert_eq!(play.files(), original());
            }
            Ok(())
        })?;
    }
}
