//! What people type into a form leads to the right address, and nowhere else.

use patchbay_core::Code;
use patchbay_core::catalog::foreign_service;
use rstest::rstest;

use super::{ADDRESS, GUID, find, refused, resolve};

#[test]
fn links_are_filled_in_and_cannot_be_broken_out_of() {
    let practice = resolve("practice", &[]).expect("it resolves");
    let name = "A&scopes=all #1/é".to_owned() + &"x".repeat(200);
    let link = practice.with_link(find("practice"), &["a:b".to_owned(), "c".to_owned()], Some(&name)).create_page;
    let link = url::Url::parse(&link.expect("a page")).expect("an address");
    assert_eq!(link.origin().ascii_serialization(), "http://127.0.0.1:47115");
    let pairs: Vec<_> = link.query_pairs().into_owned().collect();
    let short: String = name.chars().take(128).collect();
    assert_eq!(pairs, [("name".to_owned(), short), ("scopes".to_owned(), "a:b,c".to_owned())]);
}

#[rstest]
#[case::another_host("w.evil.example/")]
#[case::another_path("wdc/../x")]
#[case::another_user("a@b")]
fn an_account_cannot_lead_the_page_elsewhere(#[case] account: &str) {
    let error = refused("xurrent", &[("account", account)]);
    assert_eq!((error.code, error.field.as_deref()), (Code::SettingInvalid, Some("account")));
}

#[rstest]
#[case::plain_http("xurrent", "address", "http://mcp.xurrent.com/mcp", Code::AddressNotHttps)]
#[case::alias("retently", "url", "http://x.example", Code::AddressNotHttps)]
#[case::user("custom", "url", "https://me:secret@x.example/mcp", Code::AddressHasCredentials)]
#[case::no_address("custom", "url", "my server", Code::AddressInvalid)]
#[case::no_host("custom", "url", "https://", Code::AddressInvalid)]
#[case::query_value("custom", "url", "https://x.example/mcp?x=ghp_01234567890123456789", Code::AddressHasToken)]
#[case::query_name("custom", "url", "https://x.example/mcp?access_token=a", Code::AddressHasToken)]
#[case::behind_hash("custom", "url", "https://x.example/mcp#token=abcdef", Code::AddressHasToken)]
#[case::path("custom", "url", "https://x.example/xoxb-0123456789-abc/mcp", Code::AddressHasToken)]
#[case::pasted("uipath", "url", "http://cloud.uipath.com/a/b/agenthub_/mcp/c/d", Code::AddressNotHttps)]
#[case::other_page("uipath", "url", "https://cloud.uipath.com/a/b/orchestrator_/mcp/c/d", Code::SettingInvalid)]
fn addresses_are_refused_at_their_field(#[case] id: &str, #[case] key: &str, #[case] url: &str, #[case] code: Code) {
    let account = ("account", "wdc");
    let error = if id == "xurrent" { refused(id, &[(key, url), account]) } else { refused(id, &[(key, url)]) };
    assert_eq!(error.code, code);
    let field = find(id).fields.iter().find(|field| field.key == key || field.aliases.contains(&key.to_owned()));
    assert_eq!(error.field, field.map(|field| field.key.clone()));
    assert!(error.hint.is_some());
}

#[rstest]
#[case(" https://x.example/mcp \n", "https://x.example/mcp")]
#[case("https://x.example/mcp#top", "https://x.example/mcp")]
#[case("https://x.example/mcp?mode=all", "https://x.example/mcp?mode=all")]
#[case("https://x.example/sk-invoice-processing-v2/mcp", "https://x.example/sk-invoice-processing-v2/mcp")]
#[case("http://[::1]:8/mcp", "http://[::1]:8/mcp")]
fn addresses_are_kept(#[case] typed: &str, #[case] kept: &str) {
    assert_eq!(resolve("custom", &[("url", typed)]).expect("it resolves").url, kept);
}

/// From Datadog's own repository and documentation: the two headers, and one address for each site.
#[rstest]
#[case("us1", "https://mcp.datadoghq.com/api/unstable/mcp-server/mcp", "https://app.datadoghq.com")]
#[case("us5", "https://mcp.us5.datadoghq.com/api/unstable/mcp-server/mcp", "https://us5.datadoghq.com")]
#[case("eu1", "https://mcp.datadoghq.eu/api/unstable/mcp-server/mcp", "https://app.datadoghq.eu")]
fn datadog_wants_two_keys_each_from_its_page(#[case] site: &str, #[case] url: &str, #[case] pages: &str) {
    let resolved = resolve("datadog", &[("site", site)]).expect("it resolves");
    assert_eq!(resolved.url, url);
    assert_eq!(
        (resolved.auth.name.as_str(), resolved.auth.beside[0].name.as_str()),
        ("DD-API-KEY", "DD-APPLICATION-KEY")
    );
    assert!(!resolved.settings.contains_key("address"), "another site has another one");
    let fields: Vec<_> = resolved.secrets.iter().map(|field| (field.label.as_str(), field.page.clone())).collect();
    let page = |name: &str| Some(format!("{pages}/organization-settings/{name}"));
    assert_eq!(fields, [("API key", page("api-keys")), ("Application key", page("application-keys"))]);
    let typed = resolve("datadog", &[("site", site), ("address", "https://x.example/mcp")]).expect("it resolves");
    assert_eq!(typed.url, "https://x.example/mcp");
}

#[rstest]
#[case::the_tokens_own("Authorization", Some(Code::SettingInvalid))]
#[case::twice("X-A\nX-A", Some(Code::SettingInvalid))]
#[case::one_that_carries_the_token("X-Token", Some(Code::SettingInvalid))]
#[case::a_secret("X-A: ghp_01234567890123456789", Some(Code::AddressHasToken))]
#[case::two("X-A\nX-B: Token", None)]
fn headers_with_a_secret_of_their_own_are_typed_by_name_only(#[case] lines: &str, #[case] code: Option<Code>) {
    let settings = [ADDRESS, ("also", "X-Token"), ("beside", lines)];
    match (resolve("custom", &settings), code) {
        (Ok(resolved), None) => {
            assert_eq!(resolved.secrets.len(), 3);
            let own = [settings[0], settings[1], settings[2], ("headers", "X-B: 1")];
            assert_eq!(refused("custom", &own).code, Code::SettingInvalid, "its value would lie in plain text");
        }
        (Err(errors), Some(code)) => {
            assert_eq!((errors[0].code, errors[0].field.as_deref()), (code, Some("beside")));
        }
        (resolved, _) => panic!("{resolved:?}"),
    }
}

#[test]
fn all_faults_of_a_form_are_told_at_once() {
    let errors = resolve("uipath", &[("folder_key", "7"), ("colour", "red")]).expect_err("it is refused");
    let told: Vec<_> = errors.iter().map(|error| (error.field.as_deref().unwrap_or(""), error.code)).collect();
    let wrong = |key| (key, Code::SettingInvalid);
    let unknown = ("colour", Code::UnknownSetting);
    assert_eq!(told, [unknown, wrong("organisation"), wrong("tenant"), wrong("folder_key"), wrong("slug")]);
}

#[test]
fn uipaths_pasted_address_wins_and_takes_its_host_along() {
    let address = format!("https://staging.uipath.com/acme/prod/agenthub_/mcp/{GUID}/tools");
    let resolved = resolve("uipath", &[("url", &address), ("tenant", "other")]).expect("it resolves");
    assert_eq!(resolved.url, address);
    assert_eq!(resolved.settings["host"], "staging.uipath.com");
    assert!(!resolved.settings.contains_key("url"), "the parts are the truth");
    assert!(resolved.create_page.expect("a page").starts_with("https://staging.uipath.com/acme/prod/"));
    let again = find("uipath").resolve(&resolved.settings).expect("it resolves");
    assert_eq!(again.url, address);
}

#[rstest]
#[case::no_colon("X-Account", Code::SettingInvalid)]
#[case::the_tokens_own("X-Own: 1", Code::SettingInvalid)]
#[case::authorization("authorization: abc", Code::AddressHasToken)]
#[case::the_protocols("Mcp-Session-Id: 1", Code::SettingInvalid)]
#[case::the_proxys("Proxy-Connection: 1", Code::SettingInvalid)]
#[case::host("Host: x", Code::SettingInvalid)]
#[case::length("content-length: 3", Code::SettingInvalid)]
#[case::cookie("Cookie: a=b", Code::SettingInvalid)]
#[case::no_name(": 1", Code::SettingInvalid)]
#[case::spaced("X Account: 1", Code::SettingInvalid)]
#[case::not_ascii("X-Account: é", Code::SettingInvalid)]
#[case::twice("X-A: 1\nx-a: 2", Code::SettingInvalid)]
#[case::secret_by_name("X-Api-Token: abc", Code::AddressHasToken)]
#[case::secret_by_look("X-Account: glpat-abcdefghij0123456789", Code::AddressHasToken)]
#[case::bare_token("glpat-abcdefghij0123456789", Code::AddressHasToken)]
#[case::token_as_name("glpat-abcdefghij0123456789: x", Code::AddressHasToken)]
#[case::bearer("Bearer abcdefghijklmno", Code::AddressHasToken)]
fn extra_headers_are_refused_and_not_repeated(#[case] lines: &str, #[case] code: Code) {
    let error = refused("custom", &[ADDRESS, ("header", "X-Own"), ("headers", lines)]);
    assert_eq!((error.code, error.field.as_deref()), (code, Some("headers")));
    let said = format!("{error:?}");
    for part in ["glpat-", "abcdefghij", "é"] {
        assert!(!said.contains(part), "{said}");
    }
}

#[rstest]
#[case("header", "Content-Type", Code::SettingInvalid)]
#[case("header", "X Key", Code::SettingInvalid)]
#[case("scheme", "digest", Code::SettingInvalid)]
#[case("header", "ghp_01234567890123456789", Code::AddressHasToken)]
fn the_tokens_header_is_checked(#[case] key: &str, #[case] value: &str, #[case] code: Code) {
    let error = refused("custom", &[ADDRESS, (key, value)]);
    assert_eq!((error.code, error.field.as_deref()), (code, Some(key)));
    assert!(!format!("{error:?}").contains(value), "{error:?}");
}

#[rstest]
#[case("ghp_0123456789012345678901", "xurrent", Some("GitHub"))]
#[case("github_pat_0123456789012345678901", "retently", Some("GitHub"))]
#[case("glpat-abcdefghij0123456789", "uipath", Some("GitLab"))]
#[case("sk-ant-api03-abcdefghij0123456789", "xurrent", Some("Anthropic"))]
#[case("sk-proj-abcdefghij0123456789", "xurrent", Some("OpenAI or a service like it"))]
#[case("xoxp-0123456789-abc", "xurrent", Some("Slack"))]
#[case("AKIAABCDEFGHIJKLMNOP", "xurrent", Some("Amazon Web Services"))]
#[case("rtly_mcp_pat_1_abcdefgh", "xurrent", Some("Retently"))]
#[case("rtly_mcp_pat_1_abcdefgh", "retently", None)]
#[case("pbp_0123456789012345678901", "xurrent", Some("the practice service"))]
#[case::any_is_fine("ghp_0123456789012345678901", "custom", None)]
#[case::not_decisive("eyJhbGciOiJub25lIn0.eyJleHAiOjE5MDAwMDAwMDB9.x", "xurrent", None)]
#[case::chance("hf_short", "xurrent", None)]
#[case::words("sk-invoice-processing-v2-final", "xurrent", None)]
fn other_services_tokens(#[case] token: &str, #[case] own: &str, #[case] service: Option<&str>) {
    assert_eq!(foreign_service(token, own), service);
}
