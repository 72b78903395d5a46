//! From an address that somebody set up by hand to the service it belongs to, and the answers of its form.

use std::collections::BTreeMap;

use url::Url;

use super::{Choice, FieldKind, Provider, Resolved, all, find};
use crate::connection::{AuthHeader, Carrier};

/// The answers that an address amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The answers.
    pub(crate) settings: BTreeMap<String, String>,
    /// The fields that the address does not answer.
    pub(crate) asks: Vec<String>,
    /// Whether no answers come to this address with these headers.
    pub(crate) refused: bool,
}

/// The form for any other service.
pub(crate) fn custom() -> &'static Provider {
    find("custom").expect("it is built in")
}

/// The service whose address this is, else the one for any other, with the answers that come to the same.
pub(crate) fn offer(url: &str, auth: Option<&AuthHeader>, headers: &[(String, String)]) -> (&'static Provider, Offer) {
    let parsed = Url::parse(url).ok();
    let known = all().iter().filter(|provider| provider.id != "custom");
    for provider in known.filter(|provider| auth.is_none_or(|auth| sends(provider, auth))) {
        let settings = parsed.as_ref().and_then(|url| provider.recognise(url, headers));
        let settings = settings.map(|settings| with_sign_in(provider, settings, auth));
        if let Some(offer) = settings.and_then(|settings| fitting(provider, settings, (url, auth, headers))) {
            return (provider, offer);
        }
    }
    (custom(), of_any(url, auth, headers))
}

/// Whether a service takes its token in this way, under one of its answers.
fn sends(provider: &Provider, auth: &AuthHeader) -> bool {
    let own = provider.auth.clone().unwrap_or_default();
    let fits = match key(&own.prefix) {
        Some(key) => choice_of(provider, key, &auth.prefix).is_some(),
        None => own.prefix == auth.prefix,
    };
    let is_paired = own.user.is_some() || auth.user.is_none();
    let is_known = |one: &Carrier| provider.beside_named(&one.name).is_some_and(|rule| rule.prefix == one.prefix);
    own.name.eq_ignore_ascii_case(&auth.name)
        && fits
        && is_paired
        && own.also == auth.also
        && auth.beside.iter().all(is_known)
}

/// The answers that lead to the way in which the token is sent.
fn with_sign_in(
    provider: &Provider,
    mut settings: BTreeMap<String, String>,
    auth: Option<&AuthHeader>,
) -> BTreeMap<String, String> {
    let (Some(own), Some(auth)) = (&provider.auth, auth) else { return settings };
    let choice = key(&own.prefix).and_then(|key| choice_of(provider, key, &auth.prefix));
    let user = own.user.as_deref().and_then(key).zip(auth.user.as_ref());
    settings.extend(choice);
    settings.extend(user.map(|(key, user)| (key.to_owned(), user.clone())));
    settings
}

/// The answer, by its field, under which a variable has a value.
fn choice_of(provider: &Provider, variable: &str, value: &str) -> Option<(String, String)> {
    provider.fields.iter().find_map(|field| {
        let choice = field.choices.iter().find(|choice| choice.vars.get(variable).is_some_and(|text| text == value))?;
        Some((field.key.clone(), choice.value.clone()))
    })
}

/// What a template is about that is one `{key}` and nothing else.
fn key(template: &str) -> Option<&str> {
    template.strip_prefix('{')?.strip_suffix('}')
}

/// The offer, unless what it comes to is something else than what stands there.
fn fitting(
    provider: &Provider,
    settings: BTreeMap<String, String>,
    (url, auth, headers): (&str, Option<&AuthHeader>, &[(String, String)]),
) -> Option<Offer> {
    let is_sent_so = |resolved: &Resolved| auth.is_none_or(|auth| auth.is_same(&resolved.auth));
    // Who is paired with a token is in what stands there, or nowhere.
    let own = provider.auth.as_ref().and_then(|own| key(own.user.as_deref()?));
    match provider.resolve(&settings) {
        Ok(resolved) if is_same(&resolved, url, headers) && is_sent_so(&resolved) => {
            Some(Offer { settings: resolved.settings, ..Offer::default() })
        }
        Ok(_) => None,
        Err(errors) => {
            let asks: Option<Vec<_>> = errors.into_iter().map(|error| error.field).collect();
            let are_free = |asks: &Vec<String>| asks.iter().all(|field| !settings.contains_key(field));
            let is_paired = |asks: &Vec<String>| auth.is_some() && asks.iter().any(|field| Some(field.as_str()) == own);
            let asks = asks.filter(are_free).filter(|asks| headers.is_empty() && !is_paired(asks))?;
            Some(Offer { settings, asks, refused: false })
        }
    }
}

fn is_same(resolved: &Resolved, url: &str, headers: &[(String, String)]) -> bool {
    let lower = |headers: &[(String, String)]| {
        let mut all: Vec<_> = headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
        all.sort();
        all
    };
    let trimmed = |url: &str| url.trim_end_matches('/').to_owned();
    trimmed(&resolved.url) == trimmed(url) && lower(&resolved.headers) == lower(headers)
}

fn of_any(url: &str, auth: Option<&AuthHeader>, headers: &[(String, String)]) -> Offer {
    let mut settings = BTreeMap::from([("url".to_owned(), url.to_owned())]);
    if let Some(auth) = auth {
        let scheme = match auth.prefix.trim().to_lowercase().as_str() {
            "" => "none".to_owned(),
            "token token=" => "token-equals".to_owned(),
            "basic" if auth.user.is_some() => "basic-pair".to_owned(),
            word => word.to_owned(),
        };
        settings.extend([("header".to_owned(), auth.name.clone()), ("scheme".to_owned(), scheme)]);
        settings.extend(auth.user.iter().map(|user| ("user".to_owned(), user.clone())));
        let also = auth.also.iter().map(|one| format!("{}: {}", one.name, one.prefix.trim_end()));
        let also = also.collect::<Vec<_>>().join("\n");
        settings.extend((!also.is_empty()).then(|| ("also".to_owned(), also)));
        let beside = auth.beside.iter().map(|one| format!("{}: {}", one.name, one.prefix.trim_end()));
        let beside = beside.collect::<Vec<_>>().join("\n");
        settings.extend((!beside.is_empty()).then(|| ("beside".to_owned(), beside)));
    }
    if !headers.is_empty() {
        let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        settings.insert("headers".to_owned(), lines.join("\n"));
    }
    let refused = custom().resolve(&settings).is_err();
    Offer { settings, asks: Vec::new(), refused }
}

impl Provider {
    /// The answers under which this service has such an address; none where it is not one of its own.
    fn recognise(&self, url: &Url, headers: &[(String, String)]) -> Option<BTreeMap<String, String>> {
        if let Some(rule) = &self.take_apart {
            let settings = BTreeMap::from([(rule.key.clone(), url.to_string())]);
            return self.resolve(&settings).ok().map(|resolved| resolved.settings);
        }
        let address = self.fields.iter().find(|field| field.kind == FieldKind::Address)?;
        let own = address.default.as_deref().and_then(|text| Url::parse(text).ok());
        let mut settings = BTreeMap::from([(address.key.clone(), url.to_string())]);
        let host = url.host_str()?;
        let is_below = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
        let mut is_own = own.is_some_and(|own| own.origin() == url.origin());
        for field in &self.fields {
            let var = |key: &str| {
                let fitting = field.choices.iter().filter(|choice| {
                    choice.vars.get(key).is_some_and(|text| match key {
                        "domain" => is_below(text),
                        _ => !text.is_empty() && host.contains(&format!("{text}.")),
                    })
                });
                // The narrowest domain: one may lie within another.
                let length = |choice: &&Choice| choice.vars.get(key).map_or(0, String::len);
                fitting.rev().max_by_key(length)
            };
            is_own |= var("domain").is_some();
            if let Some(choice) = var("domain").or_else(|| var("region_part")) {
                settings.insert(field.key.clone(), choice.value.clone());
            }
        }
        for rule in &self.headers {
            let sent = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(&rule.name));
            let key = key(&rule.value);
            if let (Some((_, value)), Some(key)) = (sent, key) {
                settings.insert(key.to_owned(), value.clone());
                settings
                    .extend(rule.when.iter().filter_map(|(key, values)| Some((key.clone(), values.first()?.clone()))));
            }
        }
        is_own.then_some(settings)
    }
}
