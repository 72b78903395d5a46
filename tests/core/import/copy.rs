//! The same set in another app.

use patchbay_core::Code;
use patchbay_core::api::message::{Answer, Request};
use patchbay_core::client::Scope;

use crate::api::{World, world};

#[tokio::test]
async fn the_same_set_comes_to_another_app() {
    let world = world().await;
    world.connected().await;
    world.home.write("codex", "");
    let places = vec![crate::api::place("claude-desktop")];
    world.do_it(Request::Place { id: "my-notes".into(), places, expected: None }).await.expect("placed");
    let (from, to) = (Some("claude-desktop".to_owned()), "codex".to_owned());
    let plan =
        world.do_it(Request::PlanCopy { from: from.clone(), ids: Vec::new(), to: to.clone() }).await.expect("a plan");
    let Answer::Plan(plan) = plan else { panic!("no plan") };
    assert_eq!(plan.files.iter().map(|file| file.client.as_str()).collect::<Vec<_>>(), ["codex"]);
    let copy = Request::Copy { from, ids: Vec::new(), to, expected: Some(plan.expected) };
    world.do_it(copy.clone()).await.expect("copied");
    assert!(world.home.read("codex").contains("my-notes"));
    let Answer::Copied(again) = world
        .do_it(Request::Copy { from: None, ids: Vec::new(), to: "codex".into(), expected: None })
        .await
        .expect("nothing")
    else {
        panic!("another answer")
    };
    assert!(again.done.is_empty());
    let missing = world.do_it(Request::PlanCopy { from: None, ids: Vec::new(), to: "zed".into() }).await;
    assert_eq!(missing.err().map(|error| error.code), Some(Code::AppNotInstalled));
}

/// A service that needs no token, in Claude Desktop or in a folder of Claude Code's.
async fn add(world: &World, name: &str, scope: Scope) {
    let place = match &scope {
        Scope::User => crate::api::place("claude-desktop"),
        _ => patchbay_core::api::message::Place { scope, ..crate::api::place("claude-code") },
    };
    let connect = patchbay_core::api::message::Connect {
        provider: "custom".into(),
        name: name.into(),
        settings: [("url".to_owned(), "https://example.com/mcp".to_owned())].into(),
        places: vec![place],
        token: None,
        overrule: false,
    };
    world.do_it(Request::Connect { connect, expected: None }).await.expect("connected");
}

#[tokio::test]
async fn what_cannot_be_copied_is_told_and_the_rest_is_copied() {
    let world = world().await;
    for name in ["alpha", "beta", "gamma"] {
        add(&world, name, Scope::User).await;
    }
    add(&world, "delta", Scope::Local(world.home.path().display().to_string())).await;
    world.home.write("codex", "[mcp_servers.beta]\ncommand = \"own\"\n");
    let copy = async |ids: &[&str], from: Option<&str>| {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let request = Request::Copy { from: from.map(str::to_owned), ids, to: "codex".into(), expected: None };
        let Answer::Copied(copied) = world.do_it(request).await.expect("copied") else { panic!("another answer") };
        let left: Vec<_> = copied.left.into_iter().map(|left| (left.id, left.error.code)).collect();
        (copied.done.into_iter().map(|done| done.id).collect::<Vec<_>>(), left)
    };
    let (beta, delta) = (("beta".to_owned(), Code::NameTaken), ("delta".to_owned(), Code::ScopeUnsupported));
    let request = Request::PlanCopy { from: None, ids: Vec::new(), to: "codex".into() };
    let Ok(Answer::Plan(plan)) = world.do_it(request).await else { panic!("no plan") };
    assert_eq!(plan.left.iter().map(|left| left.id.as_str()).collect::<Vec<_>>(), ["beta", "delta"]);
    assert_eq!(copy(&["gamma"], None).await, (vec!["gamma".to_owned()], Vec::new()));
    assert_eq!(copy(&[], Some("claude-desktop")).await, (vec!["alpha".to_owned()], vec![beta.clone()]));
    assert_eq!(copy(&[], None).await, (Vec::new(), vec![beta, delta]));
    assert!(!world.home.read("codex").contains("delta"));
    assert_eq!(copy(&["delta"], None).await, (vec!["delta".to_owned()], Vec::new()), "it was named");
    let codex = world.home.read("codex");
    assert!(codex.starts_with("[mcp_servers.beta]\ncommand = \"own\"\n"), "{codex}");
    assert!(["alpha", "gamma", "delta"].iter().all(|id| codex.contains(&format!("[mcp_servers.{id}]"))), "{codex}");
}
