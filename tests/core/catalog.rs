use std::collections::{BTreeMap, BTreeSet};

use patchbay_core::Code;
use patchbay_core::catalog::{self, Resolved};
use rstest::rstest;

fn resolve(provider: &str, settings: &[(&str, &str)]) -> Result<Resolved, Vec<Code>> {
    let settings =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    let resolved = catalog::find(provider).expect("a service").resolve(&settings);
    resolved.map_err(|errors| errors.iter().map(|error| error.code).collect())
}

#[test]
fn the_packs_are_sound() {
    for provider in catalog::all() {
        let scopes: BTreeSet<_> = provider.scopes.iter().map(|scope| scope.value.as_str()).collect();
        assert_eq!(scopes.len(), provider.scopes.len(), "{}: no scope stands twice", provider.id);
        for preset in &provider.presets {
            assert!(
                preset.scopes.iter().all(|scope| scopes.contains(scope.as_str())),
                "{}: {}",
                provider.id,
                preset.id
            );
        }
        let recommended = provider.presets.iter().filter(|preset| preset.recommended).count();
        assert_eq!(recommended, usize::from(!provider.presets.is_empty()), "{}", provider.id);
        let keys: BTreeSet<_> = provider.fields.iter().map(|field| field.key.as_str()).collect();
        for field in &provider.fields {
            assert!(field.when.keys().all(|key| keys.contains(key.as_str())), "{}: {}", provider.id, field.key);
            let known =
                |value: &str| field.choices.is_empty() || field.choices.iter().any(|choice| choice.value == value);
            assert!(field.default.as_deref().is_none_or(known), "{}: {}", provider.id, field.key);
        }
        assert!(provider.verified_on.parse::<jiff::civil::Date>().is_ok());
        assert!(provider.sources.iter().all(|source| source.starts_with("https://")));
        assert!(
            !provider.steps.is_empty() && provider.steps.concat().contains("{token_name}") || provider.id == "practice"
        );
    }
    let retently = catalog::find("retently").expect("a service");
    assert_eq!(retently.scopes.len(), 22);
    assert!(!retently.presets[0].scopes.iter().any(|scope| scope.starts_with("pii:")));
    assert_eq!((retently.lifetime.min_days, retently.lifetime.max_days), (Some(30), Some(365)));
    assert_eq!(catalog::find("xurrent").expect("a service").lifetime.suggested_days, Some(90));
}

#[rstest]
#[case(&[("account", "wdc")], "https://wdc.xurrent.com/personal_access_tokens")]
#[case(&[("account", "wdc"), ("region", "uk"), ("environment", "qa")], "https://wdc.uk.xurrent.qa/personal_access_tokens")]
fn xurrents_pages_follow_instance_and_region(#[case] settings: &[(&str, &str)], #[case] page: &str) {
    let resolved = resolve("xurrent", settings).expect("it resolves");
    assert_eq!(resolved.url, "https://mcp.xurrent.com/mcp");
    assert_eq!(resolved.revoke_page.as_deref(), Some(page));
    assert!(resolved.create_page.expect("a page").starts_with(&format!("{page}/new?name=Patchbay%20MCP")));
    assert_eq!(resolved.headers, []);
}

#[test]
fn xurrents_account_header_is_sent_where_needed_and_a_demo_has_none() {
    let directory = resolve("xurrent", &[("account", "wdc"), ("token_account", "directory")]).expect("it resolves");
    assert_eq!(directory.headers, [("X-Xurrent-Account".to_owned(), "wdc".to_owned())]);
    let demo = resolve("xurrent", &[("environment", "demo")]).expect("no account is needed");
    assert!(!demo.settings.contains_key("region") && !demo.settings.contains_key("account"));
    assert_eq!(resolve("xurrent", &[]), Err(vec![Code::SettingInvalid]), "production needs an account");
    assert_eq!(resolve("xurrent", &[("account", "w"), ("region", "mars")]), Err(vec![Code::SettingInvalid]));
}

#[test]
fn uipaths_address_is_built_and_taken_apart() {
    const KEY: &str = "1a2b3c4d-0000-1111-2222-333344445555";
    let address = format!("https://cloud.uipath.com/acme/prod/agenthub_/mcp/{KEY}/my-server");
    let parts = [("organisation", "acme"), ("tenant", "prod"), ("folder_key", KEY), ("slug", "my-server")];
    assert_eq!(resolve("uipath", &parts).expect("it resolves").url, address);
    let pasted = resolve("uipath", &[("url", &format!(" {address}/ "))]).expect("it resolves");
    assert_eq!(pasted.url, address);
    assert!(parts.iter().all(|(key, value)| pasted.settings[*key] == *value));
    assert_eq!(
        resolve("uipath", &[("url", "https://cloud.uipath.com/acme")]).expect_err("too short")[0],
        Code::SettingInvalid
    );
    assert_eq!(
        resolve("uipath", &[parts[0], parts[1], parts[3], ("folder_key", "7")]),
        Err(vec![Code::SettingInvalid])
    );
}

#[test]
fn customs_header_scheme_and_extra_headers() {
    let settings = [
        ("url", "https://x.example/mcp"),
        ("header", "X-Api-Key"),
        ("scheme", "none"),
        ("headers", "X-A: 1\n\nX-B: two"),
    ];
    let resolved = resolve("custom", &settings).expect("it resolves");
    assert_eq!((resolved.auth.name.as_str(), resolved.auth.prefix.as_str()), ("X-Api-Key", ""));
    assert_eq!(resolved.headers, [("X-A".to_owned(), "1".to_owned()), ("X-B".to_owned(), "two".to_owned())]);
    for bad in ["Authorization: x", "no colon", "X-Token: rtly_mcp_pat_1_abcdefghijk"] {
        assert!(resolve("custom", &[("url", "https://x.example/mcp"), ("headers", bad)]).is_err(), "{bad}");
    }
}

#[rstest]
#[case("http://127.0.0.1:8080/mcp", None)]
#[case("http://localhost/mcp", None)]
#[case("http://[::1]:1/mcp", None)]
#[case("http://192.168.1.1/mcp", Some(Code::AddressNotHttps))]
#[case("http://localhost.example.com/mcp", Some(Code::AddressNotHttps))]
#[case("ftp://example.com", Some(Code::AddressInvalid))]
#[case("javascript:alert(1)", Some(Code::AddressInvalid))]
#[case("https://token@example.com/mcp", Some(Code::AddressHasCredentials))]
#[case("https://example.com/mcp?token=abc", Some(Code::AddressHasToken))]
#[case("https://example.com/pbp_0123456789012345678901/mcp", Some(Code::AddressHasToken))]
fn addresses(#[case] url: &str, #[case] code: Option<Code>) {
    assert_eq!(resolve("custom", &[("url", url)]).err(), code.map(|code| vec![code]));
}
