//! What is said where signing in or out does not go well.

use super::vouch::service::{Rules, Service};
use super::{ACCESS, World};

#[test]
fn who_signs_out_of_a_service_that_does_not_end_it_is_told_to_end_it_there() {
    let world = World::new(ACCESS);
    for status in [503, 400] {
        let service = world.runtime.block_on(Service::start(Rules { keeps: Some(status), ..Rules::default() }));
        let url = service.url();
        assert_eq!(world.run(&["sign-in", "--url", &url], "").0, 0);
        let (code, said) = world.run(&["sign-out", "--url", &url], "");
        assert_eq!((code, service.count("/revoke") > 0), (0, true), "{said}");
        assert!(said.contains("has not said that it ended it too: look in its own settings"), "{said}");
    }
}

#[test]
fn an_empty_secret_is_sent_nowhere() {
    let world = World::new(ACCESS);
    let service = world.runtime.block_on(Service::start(Rules::default()));
    let ask = ["sign-in", "--url", &service.url(), "--client-id", "mine", "--client-secret-stdin"];
    let (code, said) = world.run(&ask, "\n");
    assert!(code != 0 && said.contains("Standard input is empty"), "{code} {said}");
    assert_eq!((service.count("/mcp"), service.count("/token")), (0, 0));
}

#[test]
fn what_is_no_address_of_a_document_is_not_sent_as_a_client_id() {
    let world = World::new(ACCESS);
    let url = world.practice.mcp_url();
    for document in ["zzz", "http://a.example/client.json", "https://a.example/", "https://a.example"] {
        let (code, said) = world.run(&["sign-in", "--url", &url, "--client-metadata-url", document], "");
        assert!(code == 2 && said.contains("https://example.com/client.json"), "{code} {said}");
    }
}
