//! Sign-ins by somebody's word from the command line: what comes from standard input goes where it belongs and lies
//! nowhere else.

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "../../core/oauth/idp.rs"]
mod idp;
#[allow(dead_code, reason = "other tests use more of it")]
#[path = "../../core/oauth/service.rs"]
pub(super) mod service;

use patchbay_test_support::canary;
use serde_json::json;

use super::{ACCESS, World};
use idp::{Idp, after, statement};
use service::{Rules, Service, field};

const SECRETS: [&str; 5] =
    ["canary-mine-secret", "canary-desk-secret", "canary-signature", "canary-company-refresh", "canary-access-token"];

fn world() -> (World, Service, Idp) {
    let world = World::new(ACCESS);
    let grants = Some(vec!["urn:ietf:params:oauth:grant-type:jwt-bearer"]);
    let service = world.runtime.block_on(Service::start(Rules { grants, ..Rules::default() }));
    let idp = world.runtime.block_on(Idp::start(idp::Rules::default()));
    (world, service, idp)
}

#[test]
fn three_secrets_are_a_line_each_and_lie_nowhere_afterwards() {
    let (world, service, idp) = world();
    let (url, company) = (service.url(), idp.origin());
    let ask = ["sign-in", "--url", &url, "--client-id", "mine", "--client-secret-stdin", "--company", &company];
    let there = ["--company-client-id", "desk", "--company-client-secret-stdin"];
    let secrets = "canary-mine-secret\ncanary-desk-secret\n";
    let with_token = [&ask[..], &there, &["--company-token-stdin"]].concat();
    let (code, mut said) = world.run(&with_token, &format!("{secrets}{}\n", idp.id_token(600).expose()));
    assert_eq!((code, idp.asked("/authorize").len()), (0, 0), "{said}");
    assert!(service.asked("/token")[0].contains("canary-mine-secret"));
    let (code, told) = world.run(&[&ask[..], &there].concat(), secrets);
    assert_eq!((code, idp.asked("/authorize").len()), (0, 1), "in the browser: {told}");
    said += &told;
    let (code, told) = world.run(&["sign-in", "--url", &url, "--json"], "");
    assert_eq!((code, idp.asked("/authorize").len()), (0, 2), "again, with nothing said: {told}");
    assert!(told.contains("\"grant\": \"company\"") || told.contains("\"grant\":\"company\""), "{told}");
    said += &told;
    let (code, told) = world.run(&["sign-out", "--url", &url], "");
    assert_eq!((code, idp.asked("/revoke").len()), (0, 2), "{told}");
    canary::search(world.home.path(), &SECRETS, &[&said, &told]).expect("no secret where none may be");
}

#[test]
fn too_few_lines_are_said_and_nobody_is_asked() {
    let (world, service, idp) = world();
    let (url, company) = (service.url(), idp.origin());
    let ask = ["sign-in", "--url", &url, "--client-id", "mine", "--client-secret-stdin", "--company", &company];
    let asked = [&ask[..], &["--company-client-id", "desk", "--company-token-stdin"]].concat();
    let (code, said) = world.run(&asked, "canary-mine-secret\n");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("client's secret, proof") && !said.contains("canary"), "{said}");
    assert_eq!(world.run(&ask, "canary-mine-secret").0, 2, "who Patchbay is at the company is wanted too");
    assert_eq!((service.count("/mcp"), idp.asked("/token").len()), (0, 0));
}

#[test]
fn an_address_of_a_company_that_is_none_is_refused_before_anything_is_said_or_asked() {
    let (world, service, _) = world();
    let url = service.url();
    let ask = ["sign-in", "--url", &url, "--company", "not-a-url", "--company-client-id", "desk"];
    let (code, said) = world.run(&ask, "");
    assert_eq!((code, service.count("/mcp")), (2, 0), "{said}");
    assert!(!said.contains("/callback") && !said.contains("Asking"), "{said}");
    let (code, said) = world.run(&[&ask[..], &["--company-client-secret-stdin"]].concat(), "");
    assert!(code == 2 && said.lines().count() == 1, "no secret is asked for: {said}");
}

#[test]
fn no_time_at_all_for_a_sign_in_is_refused_and_no_browser_is_opened() {
    let (world, service, _) = world();
    let url = service.url();
    let (code, said) = world.run(&["sign-in", "--url", &url, "--timeout", "0"], "");
    assert_eq!((code, service.count("/mcp")), (2, 0), "{said}");
    assert!(said.contains("--timeout"), "{said}");
}

#[test]
fn the_platforms_file_signs_in_and_is_read_by_nobody_else() {
    let (world, service, _) = world();
    let (url, path) = (service.url(), world.home.path().join("projected"));
    let proof = statement(&json!({ "aud": service.origin(), "exp": after(60) }));
    std::fs::write(&path, proof.expose()).expect("written");
    let file = path.to_str().expect("text");
    let (code, said) = world.run(&["sign-in", "--url", &url, "--assertion-file", file], "");
    assert_eq!(code, 0, "{said}");
    assert_eq!(field(&service.asked("/token")[0], "assertion").as_deref(), Some(proof.expose()));
    std::fs::remove_file(&path).expect("removed");
    canary::search(world.home.path(), &SECRETS, &[&said]).expect("no secret where none may be");
}
