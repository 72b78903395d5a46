//! Whom a sign-in trusts: with a client's secret, and to say where requests go.

use patchbay_core::Code;
use patchbay_core::connection::Grant;
use patchbay_core::oauth::{Manner, OwnClient, Want};
use patchbay_core::secret::Secret;
use patchbay_core::wire::Endpoint;
use rstest::rstest;

use super::service::{Rules, Service};
use super::{own, sign_in, want};

#[tokio::test]
async fn a_clients_secret_is_shown_to_nobody_but_the_server_that_it_was_given_for() {
    for grant in [Grant::ClientCredentials, Grant::AuthorizationCode] {
        let (service, other) = (Service::start(Rules::default()).await, Service::start(Rules::default()).await);
        let wanted = Want { grant, client: Some(own("mine", "canary-secret")), ..want(&service) };
        let first = sign_in(&wanted, &Manner::default()).await.expect("signed in");
        let manner = Manner { before: Some(&first.held), ..Manner::default() };
        let again = Want { client: None, ..wanted.clone() };
        let same = sign_in(&again, &manner).await.expect("signed in without being asked for it again");
        assert_eq!((same.sign_in.client_id.as_str(), same.sign_in.own_client), ("mine", true));

        service.change(|rules| rules.signed_in_by = Some(other.origin()));
        let named = Some(OwnClient { id: "mine".to_owned(), secret: None });
        for want in [&again, &Want { client: named, ..again.clone() }] {
            let failed = sign_in(want, &manner).await.expect_err("it is asked for again");
            assert_eq!((failed.code, failed.field.as_deref()), (Code::SettingInvalid, Some("client_secret")));
            assert!(failed.hint.is_some_and(|hint| !hint.is_empty()));
        }
        assert_eq!((other.count("/token"), other.count("/authorize")), (0, 0));
        sign_in(&wanted, &manner).await.expect("what was given for it is shown to it");
        assert_eq!(other.count("/token"), 1);
    }
}

#[tokio::test]
async fn another_client_does_not_inherit_the_secret_of_the_one_before() {
    let service = Service::start(Rules::default()).await;
    let wanted = Want { client: Some(own("mine", "canary-secret")), ..want(&service) };
    let first = sign_in(&wanted, &Manner::default()).await.expect("signed in");
    let manner = Manner { before: Some(&first.held), ..Manner::default() };
    let named = |id: &str| Some(OwnClient { id: id.to_owned(), secret: None });
    let robot = Want { grant: Grant::ClientCredentials, client: named("another"), ..want(&service) };
    assert_eq!(sign_in(&robot, &manner).await.expect_err("it has none").code, Code::Usage);
    let another = sign_in(&Want { client: named("another"), ..want(&service) }, &manner).await.expect("signed in");
    assert_eq!(another.held.client_secret(), None);
    let same = sign_in(&Want { client: named("mine"), ..want(&service) }, &manner).await.expect("signed in");
    assert_eq!(same.held.client_secret(), Some(Secret::new("canary-secret")));
}

#[rstest]
#[case::to_this_computer("https://a.example", "http://127.0.0.1:8080/token", false)]
#[case::to_this_computer_encrypted("https://a.example", "https://localhost/token", false)]
#[case::to_this_computer_in_ipv6("https://a.example", "https://[::1]/token", false)]
#[case::to_this_computer_mapped("https://a.example", "https://[::ffff:127.0.0.1]/token", false)]
#[case::to_nowhere("https://a.example", "https://0.0.0.0/token", false)]
#[case::to_nowhere_in_ipv6("https://a.example", "https://[::]/token", false)]
#[case::to_this_computer_from_inside("https://10.0.0.1", "https://127.0.0.1/token", false)]
#[case::to_this_computer_from_outside("https://93.184.215.14", "https://127.0.0.1/token", false)]
#[case::on_this_computer("http://127.0.0.1:1/mcp", "http://127.0.0.1:2/token", true)]
#[case::on_this_computer_by_name("http://localhost:1/mcp", "http://[::1]:2/token", true)]
#[case::from_this_computer_inside("http://127.0.0.1:1/mcp", "https://10.0.0.1/token", true)]
#[case::from_this_computer("http://127.0.0.1:1/mcp", "https://a.example/token", true)]
#[case::inside("https://10.0.0.1/mcp", "https://192.168.1.1/token", true)]
#[case::inside_in_ipv6("https://[fd00::1]/mcp", "https://[fe80::1]/token", true)]
#[case::a_name_may_be_inside("https://mcp.corp.example", "https://10.0.0.1/token", true)]
#[case::outside_to_inside("https://93.184.215.14/mcp", "https://10.0.0.1/token", false)]
#[case::outside_to_inside_2("https://93.184.215.14/mcp", "https://172.16.0.1/token", false)]
#[case::outside_to_link_local("https://93.184.215.14/mcp", "https://169.254.169.254/token", false)]
#[case::outside_to_shared("https://93.184.215.14/mcp", "https://100.64.0.1/token", false)]
#[case::outside_to_inside_in_ipv6("https://[2606:4700::1]/mcp", "https://[fd00::1]/token", false)]
#[case::outside_to_inside_mapped("https://93.184.215.14/mcp", "https://[::ffff:10.0.0.1]/token", false)]
#[case::outside("https://93.184.215.14/mcp", "https://100.128.0.1/token", true)]
#[case::outside_to_a_name("https://93.184.215.14/mcp", "https://a.example/token", true)]
fn a_service_leads_a_sign_in_only_where_it_may_be_itself(
    #[case] service: &str,
    #[case] place: &str,
    #[case] may: bool,
) {
    let there = Endpoint::new(service).expect("an address").elsewhere(place);
    assert_eq!(there.map_err(|error| error.code).err(), (!may).then_some(Code::AddressInvalid));
}

#[test]
fn a_service_names_no_address_with_somebodys_name_in_it() {
    let service = Endpoint::new("https://a.example/mcp").expect("an address");
    let failed = service.elsewhere("https://user@b.example/authorize").expect_err("refused");
    assert_eq!(failed.code, Code::AddressHasCredentials);
}
