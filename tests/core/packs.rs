use std::collections::{BTreeMap, BTreeSet};

use patchbay_core::catalog::{self, FieldKind, Lifetime, Offered, OwnClientRule, Pattern, Provider, Resolved, Shape};
use patchbay_core::connection::Grant;
use patchbay_core::probe::LayerKind;
use patchbay_core::{Code, Error};
use rstest::rstest;
use serde_json::{Value, json};

#[path = "packs/forms.rs"]
mod forms;
#[path = "schema.rs"]
mod schema;
use schema::Schema;

const SCHEMA: &str = include_str!("../../src-tauri/core/catalog/schema.json");
const GUID: &str = "1a2b3c4d-0000-1111-2222-333344445555";
const ADDRESS: (&str, &str) = ("url", "https://x.example/mcp");

const PACKS: [(&str, &str); 8] = [
    ("xurrent", include_str!("../../src-tauri/core/catalog/xurrent.json")),
    ("retently", include_str!("../../src-tauri/core/catalog/retently.json")),
    ("uipath", include_str!("../../src-tauri/core/catalog/uipath.json")),
    ("atlassian", include_str!("../../src-tauri/core/catalog/atlassian.json")),
    ("sentry", include_str!("../../src-tauri/core/catalog/sentry.json")),
    ("datadog", include_str!("../../src-tauri/core/catalog/datadog.json")),
    ("custom", include_str!("../../src-tauri/core/catalog/custom.json")),
    ("practice", include_str!("../../src-tauri/core/catalog/practice.json")),
];

fn find(id: &str) -> &'static Provider {
    catalog::find(id).expect("a service")
}

fn resolve(id: &str, settings: &[(&str, &str)]) -> Result<Resolved, Vec<Error>> {
    let settings: BTreeMap<_, _> = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    find(id).resolve(&settings)
}

fn refused(id: &str, settings: &[(&str, &str)]) -> Error {
    resolve(id, settings).expect_err("it is refused").remove(0)
}

fn pack(id: &str) -> Value {
    let (_, text) = PACKS.iter().find(|(name, _)| *name == id).expect("a pack");
    serde_json::from_str(text).expect("the pack is JSON")
}

#[test]
fn every_pack_follows_the_schema_and_is_named_like_its_file() {
    let schema = Schema::new(SCHEMA);
    for (id, _) in PACKS {
        assert_eq!(schema.check(&pack(id)), Vec::<String>::new(), "{id}");
        assert_eq!(find(id).id, id);
    }
    assert_eq!(catalog::all().len(), PACKS.len());
    assert_eq!(catalog::find("nobody").expect_err("no such service").code, Code::UnknownProvider);
}

#[rstest]
#[case::missing_key("/name", None)]
#[case::unknown_key("/colour", Some(json!("red")))]
#[case::wrong_type("/steps", Some(json!("Open the page.")))]
#[case::too_short("/about", Some(json!("Good.")))]
#[case::no_such_kind("/fields/0/kind", Some(json!("slider")))]
#[case::no_such_shape("/token/pattern", Some(json!("any")))]
#[case::twice("/presets/0/scopes", Some(json!(["reports:read", "reports:read"])))]
#[case::endless("/lifetime/max_days", Some(json!(0)))]
fn the_schema_refuses(#[case] place: &str, #[case] value: Option<Value>) {
    let mut pack = pack("retently");
    let (parent, key) = place.rsplit_once('/').expect("a place");
    let parent = pack.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    match value {
        Some(value) => drop(parent.insert(key.to_owned(), value)),
        None => drop(parent.shift_remove(key).expect("the key was there")),
    }
    assert_eq!(Schema::new(SCHEMA).check(&pack).len(), 1, "{place}");
}

/// The types write all their keys: the schema must name the same ones, or an author is told wrong.
#[test]
fn the_schema_names_the_keys_that_the_types_have() {
    let schema = Schema::new(SCHEMA);
    for provider in catalog::all() {
        compare(&schema, schema.root(), &serde_json::to_value(provider).expect("it writes"), &provider.id);
    }
}

fn compare(schema: &Schema, rule: &Value, value: &Value, at: &str) {
    let rule = schema.definition(rule);
    for item in value.as_array().into_iter().flatten() {
        compare(schema, &rule["items"], item, at);
    }
    let (Some(named), Some(has)) = (rule["properties"].as_object(), value.as_object()) else { return };
    let (in_schema, in_type): (BTreeSet<_>, BTreeSet<_>) = (named.keys().collect(), has.keys().collect());
    assert_eq!(in_schema, in_type, "{at}");
    for (key, value) in has {
        compare(schema, &named[key], value, &format!("{at}/{key}"));
    }
}

#[test]
fn the_schema_lists_the_words_that_the_types_take() {
    fn all<T: for<'de> serde::Deserialize<'de>>(place: &str) {
        let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
        for word in schema.pointer(place).and_then(Value::as_array).expect("a list") {
            assert!(serde_json::from_value::<T>(word.clone()).is_ok(), "{place}: {word}");
        }
    }
    all::<FieldKind>("/$defs/field/properties/kind/enum");
    all::<LayerKind>("/$defs/refusal/properties/layers/items/enum");
    all::<Pattern>("/$defs/field/properties/pattern/enum");
    all::<Shape>("/$defs/shape/enum");
    all::<Offered>("/$defs/sign_in/properties/offered/enum");
    all::<OwnClientRule>("/$defs/sign_in/properties/own_client/enum");
    all::<Grant>("/$defs/sign_in/properties/grants/items/enum");
}

#[test]
fn what_is_said_of_signing_in_has_its_source_and_names_apps_that_there_are() {
    for provider in catalog::all() {
        let Some(offer) = &provider.sign_in else { continue };
        let own = provider.confidence == "own";
        assert!(own || offer.sources.iter().all(|source| source.starts_with("https://")), "{}", provider.id);
        assert!(own || !offer.sources.is_empty(), "{}", provider.id);
        assert!(!offer.recommended || offer.offered == Offered::Yes, "{}: only what is sure", provider.id);
        for app in offer.apps.keys() {
            patchbay_core::client::find(app).unwrap_or_else(|error| panic!("{}: {error}", provider.id));
        }
        let registers = offer.own_client != OwnClientRule::No;
        assert_eq!(!offer.client_steps.is_empty(), registers, "{}: steps where there is something to do", provider.id);
    }
}

#[rstest]
#[case("production", "global", "https://oauth.xurrent.com")]
#[case("production", "uk", "https://oauth.uk.xurrent.com")]
#[case("qa", "au", "https://oauth.au.xurrent.qa")]
fn xurrent_has_its_people_sign_in_in_their_region(#[case] environment: &str, #[case] region: &str, #[case] host: &str) {
    let answers = [("environment", environment), ("region", region), ("account", "widget")];
    let resolved = resolve("xurrent", &answers).expect("it resolves");
    let server = resolved.server.expect("its pack knows");
    assert_eq!((server.authorize, server.token), (format!("{host}/authorize"), format!("{host}/token")));
    let page = resolved.client_page.expect("a page");
    assert!(page.starts_with("https://widget.") && page.contains("/oauth_applications/new?"), "{page}");
}

#[test]
fn templates_use_only_what_is_there() {
    for provider in catalog::all() {
        let vars = provider.fields.iter().flat_map(|field| &field.choices).flat_map(|choice| choice.vars.keys());
        let keys: BTreeSet<_> =
            provider.fields.iter().map(|field| &field.key).chain(vars).map(String::as_str).collect();
        let check = |template: &str, more: &[&str]| {
            for name in template.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
                assert!(keys.contains(name) || more.contains(&name), "{}: {{{name}}} in {template}", provider.id);
            }
        };
        check(&provider.address, &[]);
        provider.api_base.iter().for_each(|text| check(text, &[]));
        if let Some(offer) = &provider.sign_in {
            offer.client_page.iter().for_each(|text| check(text, &["origin"]));
            offer.server.iter().flat_map(|server| [&server.authorize, &server.token]).for_each(|text| check(text, &[]));
        }
        provider.headers.iter().for_each(|header| check(&header.value, &[]));
        if let Some(auth) = &provider.auth {
            check(&auth.prefix, &[]);
            auth.user.iter().for_each(|user| check(user, &[]));
        }
        provider.take_apart.iter().for_each(|rule| check(&rule.path, &[]));
        provider.pages.create.iter().for_each(|page| check(page, &["origin", "token_name", "scopes"]));
        provider.pages.revoke.iter().for_each(|page| check(page, &["origin"]));
        provider.steps.iter().for_each(|step| check(step, &["token_name"]));
        check(&provider.token_name, &["app"]);
        provider.fields.iter().filter_map(|field| field.default.as_ref()).for_each(|text| check(text, &[]));
        for rule in &provider.beside {
            rule.page.iter().for_each(|page| check(page, &["origin", "token_name"]));
            rule.steps.iter().for_each(|step| check(step, &["token_name"]));
        }
    }
}

#[test]
fn texts_are_whole_sentences_and_lifetimes_make_sense() {
    for provider in catalog::all() {
        let hints = provider.fields.iter().filter_map(|field| field.hint.as_ref());
        let abouts = provider.presets.iter().filter_map(|preset| preset.about.as_ref());
        let steps = provider.steps.iter().chain(&provider.revoke_steps).chain(&provider.limits);
        let Provider { about, advice, forbidden_hint, no_read_only_tool, .. } = provider;
        let single = [Some(about), advice.text.as_ref(), forbidden_hint.as_ref(), no_read_only_tool.as_ref()];
        let beside = provider.beside.iter().flat_map(|rule| rule.steps.iter().chain(&rule.hint));
        let hints = hints.chain(beside).chain(&provider.token.hint);
        let refusals = provider.refusals.iter().flat_map(|rule| [&rule.say, &rule.then]);
        for text in steps.chain(hints).chain(abouts).chain(refusals).chain(single.into_iter().flatten()) {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{}: {text}", provider.id);
        }
        let Lifetime { min_days, max_days, suggested_days, .. } = provider.lifetime;
        assert!(min_days <= suggested_days || suggested_days.is_none(), "{}", provider.id);
        assert!(max_days.is_none() || suggested_days <= max_days, "{}", provider.id);
    }
}

#[test]
fn retentlys_presets_are_what_they_say() {
    let retently = find("retently");
    let preset = |id: &str| {
        let found = retently.presets.iter().find(|preset| preset.id == id).expect("a preset");
        found.scopes.iter().map(String::as_str).collect::<Vec<_>>()
    };
    let all: Vec<_> = retently.scopes.iter().map(|scope| scope.value.as_str()).collect();
    let reading: Vec<_> = all.iter().copied().filter(|scope| scope.ends_with(":read")).collect();
    let without: Vec<_> = reading.iter().copied().filter(|scope| *scope != "pii:read").collect();
    assert_eq!(preset("read-only"), without);
    assert_eq!(preset("read-only-personal"), reading);
    assert_eq!(preset("full"), all);
    assert_eq!(all.len(), 22);
    let personal: Vec<_> = retently.scopes.iter().filter(|scope| scope.personal).map(|scope| &scope.value).collect();
    assert_eq!(personal, ["pii:read", "pii:write"]);
}

/// A rule that never fits says nothing, and one without a source may be made up.
#[test]
fn refusals_can_fit_and_say_where_they_are_from() {
    for provider in catalog::all() {
        assert!(provider.read_only_tool.is_none() || provider.no_read_only_tool.is_none(), "{}", provider.id);
        for rule in &provider.refusals {
            assert!(!rule.status.is_empty() || !rule.says.is_empty(), "{}: {}", provider.id, rule.say);
            assert!(rule.says.iter().all(|word| *word == word.to_lowercase()), "{}: {:?}", provider.id, rule.says);
            let source = rule.source.as_ref().expect("a source");
            assert!(provider.sources.contains(source), "{}: {source}", provider.id);
        }
    }
}

/// Some apps are sensitive to it.
#[test]
fn xurrents_scopes_keep_the_order_of_its_page() {
    let xurrent = find("xurrent");
    let scopes = |n: usize| xurrent.presets[n].scopes.join(" ");
    assert_eq!(scopes(0), "MCP: Prompts, Resources, Tools");
    assert_eq!(scopes(1), "requests:read knowledge_articles:read inbox:read");
    assert_eq!(
        scopes(2),
        "requests:read requests:write knowledge_articles:read problems:read problems:write project_tasks:read \
         project_tasks:write inbox:read request_templates:read"
    );
    assert!(xurrent.advice.per_app);
    assert_eq!(xurrent.lifetime.max_days, None);
    let harmless = std::iter::successors(xurrent.read_only_tool.as_ref(), |tool| tool.or_else.as_deref());
    assert_eq!(harmless.map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["list_inbox", "list_active_requests"]);
}

#[rstest]
#[case("production", "global", "https://api.xurrent.com/v1", Some("https://wdc.xurrent.com/personal_access_tokens"))]
#[case("production", "au", "https://api.au.xurrent.com/v1", Some("https://wdc.au.xurrent.com/personal_access_tokens"))]
#[case("production", "us", "https://api.us.xurrent.com/v1", Some("https://wdc.us.xurrent.com/personal_access_tokens"))]
#[case("qa", "global", "https://api.xurrent.qa/v1", Some("https://wdc.xurrent.qa/personal_access_tokens"))]
#[case("qa", "ch", "https://api.ch.xurrent.qa/v1", Some("https://wdc.ch.xurrent.qa/personal_access_tokens"))]
#[case("demo", "uk", "https://api.xurrent-demo.com/v1", None)]
fn xurrents_instances(#[case] environment: &str, #[case] region: &str, #[case] api: &str, #[case] page: Option<&str>) {
    let settings = [("environment", environment), ("region", region), ("account", "wdc")];
    let resolved = resolve("xurrent", &settings).expect("it resolves");
    assert_eq!(resolved.api_base.as_deref(), Some(api));
    assert_eq!(resolved.revoke_page.as_deref(), page);
    assert_eq!(resolved.url, "https://mcp.xurrent.com/mcp");
}
