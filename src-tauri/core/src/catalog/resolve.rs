//! From a form's answers to an address, headers and pages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use url::Url;

use super::shape::is_token;
use super::{Beside, Field, FieldKind, Pattern, Provider, SecretField, Server, When, check_address, headers};
use crate::connection::{AuthHeader, Carrier, is_user};
use crate::error::{Code, Error};

/// What a form's answers amount to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Resolved {
    /// The endpoint's address.
    pub url: String,
    /// How the token is sent.
    pub auth: AuthHeader,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The page where a token is made.
    pub create_page: Option<String>,
    /// The page where a token is revoked.
    pub revoke_page: Option<String>,
    /// The page where a client for signing in is registered.
    #[serde(default)]
    pub client_page: Option<String>,
    /// Where to sign in, where the service does not say so by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(skip)]
    pub server: Option<Server>,
    /// The service's own API, beside the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(skip)]
    pub api_base: Option<String>,
    /// The secrets that are needed, the token ahead; empty where it is the token alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(optional, as = "Option<Vec<SecretField>>")]
    pub secrets: Vec<SecretField>,
    /// The answers with defaults filled in.
    pub settings: BTreeMap<String, String>,
}

type Vars = BTreeMap<String, String>;

impl Provider {
    /// Resolves a form's answers.
    ///
    /// # Errors
    /// One error for each answer that is missing or wrong, with its field.
    pub fn resolve(&self, settings: &Vars) -> Result<Resolved, Vec<Error>> {
        let mut errors = Vec::new();
        let mut answers = self.known(settings, &mut errors);
        self.take_apart(&mut answers, &mut errors);
        self.fill(&mut answers, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        let vars = self.vars(&answers);
        let url = check_address(&expand(&self.address, &vars, false))
            .map_err(|error| vec![error.field(self.address_field())])?;
        let auth = self.auth_of(&answers, &vars).map_err(|error| vec![error])?;
        let headers = self.headers_of(&answers, &vars, &auth).map_err(|error| vec![error])?;
        let resolved = Resolved {
            secrets: self.secret_fields(&auth, |template| self.page(Some(template), &url, &vars)),
            auth,
            headers,
            api_base: self.api_base.as_deref().map(|template| expand(template, &vars, false)),
            create_page: None,
            client_page: self.page(self.client_page(), &url, &vars),
            server: self.server(&vars),
            revoke_page: self.page(self.pages.revoke.as_deref(), &url, &vars),
            url: url.to_string(),
            settings: answers,
        };
        Ok(resolved.with_link(self, &[], None))
    }

    fn client_page(&self) -> Option<&str> {
        self.sign_in.as_ref()?.client_page.as_deref()
    }

    fn server(&self, vars: &Vars) -> Option<Server> {
        let server = self.sign_in.as_ref()?.server.as_ref()?;
        let at = |template: &str| expand(template, vars, false);
        Some(Server { authorize: at(&server.authorize), token: at(&server.token) })
    }

    /// The answers under their own keys.
    fn known(&self, settings: &Vars, errors: &mut Vec<Error>) -> Vars {
        let mut answers = Vars::new();
        for (key, value) in settings {
            let is = |field: &&Field| field.key == *key || field.aliases.contains(key);
            match self.fields.iter().find(is) {
                Some(field) if field.key == *key || !settings.contains_key(&field.key) => {
                    answers.insert(field.key.clone(), value.trim().to_owned());
                }
                Some(_) => {}
                None => errors.push(self.unknown(key)),
            }
        }
        answers
    }

    fn unknown(&self, key: &str) -> Error {
        let known: Vec<_> = self.fields.iter().map(|field| field.key.as_str()).collect();
        Error::new(Code::UnknownSetting, format!("{} has no setting \"{key}\".", self.name))
            .hint(format!("It has: {}.", known.join(", ")))
            .field(key)
    }

    /// Takes a pasted address apart into the fields that it is built from.
    fn take_apart(&self, answers: &mut Vars, errors: &mut Vec<Error>) {
        let Some(rule) = &self.take_apart else { return };
        let Some(pasted) = answers.remove(&rule.key).filter(|text| !text.is_empty()) else { return };
        let wrong = || {
            Error::new(Code::SettingInvalid, format!("This is not an address of {}'s.", self.name))
                .hint("Copy the whole address with the button Copy URL, or fill in the fields below.")
                .field(&rule.key)
        };
        let url = match check_address(&pasted) {
            Ok(url) => url,
            Err(error) => return errors.push(error.field(&rule.key)),
        };
        let (wanted, given): (Vec<_>, Vec<_>) =
            (rule.path.split('/').collect(), url.path().trim_end_matches('/').split('/').collect());
        if wanted.len() != given.len() {
            return errors.push(wrong());
        }
        for (wanted, given) in wanted.iter().zip(&given) {
            match wanted.strip_prefix('{').and_then(|key| key.strip_suffix('}')) {
                Some(key) if !given.is_empty() => drop(answers.insert(key.to_owned(), (*given).to_owned())),
                None if wanted == given => {}
                _ => return errors.push(wrong()),
            }
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        answers.insert(rule.host.clone(), format!("{}{port}", url.host_str().unwrap_or_default()));
    }

    /// Fills in defaults, drops what does not apply, and checks each answer.
    fn fill(&self, answers: &mut Vars, errors: &mut Vec<Error>) {
        for field in &self.fields {
            if !applies(&field.when, answers) {
                answers.remove(&field.key);
                continue;
            }
            if answers.get(&field.key).is_none_or(String::is_empty) {
                answers.remove(&field.key);
                if let Some(default) = field.default.as_ref().filter(|default| !is_template(default)) {
                    answers.insert(field.key.clone(), default.clone());
                }
            }
            match answers.get(&field.key) {
                Some(answer) => errors.extend(check(field, answer)),
                None if field.required => errors.push(
                    Error::new(Code::SettingInvalid, format!("{} is missing.", field.label))
                        .hint(field.hint.clone().unwrap_or_else(|| format!("Set it: --set {}=...", field.key)))
                        .field(&field.key),
                ),
                None => {}
            }
        }
    }

    fn vars(&self, answers: &Vars) -> Vars {
        // What a choice that does not apply would stand for is nothing.
        let mut vars: Vars = self
            .fields
            .iter()
            .flat_map(|field| &field.choices)
            .flat_map(|choice| choice.vars.keys())
            .map(|key| (key.clone(), String::new()))
            .collect();
        for field in &self.fields {
            let chosen =
                answers.get(&field.key).and_then(|answer| field.choices.iter().find(|choice| choice.value == *answer));
            vars.extend(chosen.into_iter().flat_map(|choice| choice.vars.clone()));
        }
        vars.extend(answers.clone());
        for field in self.fields.iter().filter(|field| !answers.contains_key(&field.key)) {
            if let Some(default) = field.default.as_ref().filter(|default| is_template(default)) {
                vars.insert(field.key.clone(), expand(default, &vars, false));
            }
        }
        vars
    }

    fn address_field(&self) -> &str {
        self.fields.iter().find(|field| field.kind == FieldKind::Address).map_or("url", |field| &field.key)
    }

    fn auth_of(&self, answers: &Vars, vars: &Vars) -> Result<AuthHeader, Error> {
        let Some(auth) = &self.auth else { return Ok(AuthHeader::default()) };
        let text = |template: &String| expand(template, vars, false);
        // A field that does not apply or was left empty stands for nothing.
        let field = auth.user.as_deref().and_then(|user| user.strip_prefix('{')?.strip_suffix('}'));
        let user = field.map_or_else(|| auth.user.clone(), |key| answers.get(key).cloned());
        let carrier = |rule: &Beside| Carrier { name: rule.header.clone(), prefix: rule.prefix.clone() };
        let beside = self.beside.iter().filter(|rule| applies(&rule.when, answers)).map(carrier).collect();
        let also = auth.also.clone();
        let mut resolved = AuthHeader { name: text(&auth.name), prefix: text(&auth.prefix), user, also, beside };
        if let Some((key, lines)) = self.token_lines.as_ref().and_then(|key| answers.get_key_value(key)) {
            resolved.also.extend(headers::carriers(lines, &resolved).map_err(|error| error.field(key))?);
        }
        if let Some((key, lines)) = self.beside_lines.as_ref().and_then(|key| answers.get_key_value(key)) {
            resolved.beside.extend(headers::carriers(lines, &resolved).map_err(|error| error.field(key))?);
        }
        Ok(resolved)
    }

    fn headers_of(&self, answers: &Vars, vars: &Vars, auth: &AuthHeader) -> Result<Vec<(String, String)>, Error> {
        let rules = self.headers.iter().filter(|rule| applies(&rule.when, answers));
        let mut all: Vec<_> = rules.map(|rule| (rule.name.clone(), expand(&rule.value, vars, false))).collect();
        if let Some((key, lines)) = self.header_lines.as_ref().and_then(|key| answers.get_key_value(key)) {
            all.extend(headers::read(lines, auth).map_err(|error| error.field(key))?);
        }
        Ok(all)
    }

    fn page(&self, template: Option<&str>, url: &Url, vars: &Vars) -> Option<String> {
        let mut vars = vars.clone();
        vars.insert("origin".to_owned(), url.origin().ascii_serialization());
        let template = template?;
        // A page of an account that was not named leads nowhere.
        let missing =
            |key: &str| template.contains(&format!("{{{key}}}")) && vars.get(key).is_none_or(String::is_empty);
        if self.fields.iter().any(|field| field.choices.is_empty() && missing(&field.key)) {
            return None;
        }
        Some(expand(template, &vars, true))
    }
}

impl Resolved {
    /// The same with a token page that is filled in as far as the service allows.
    pub fn with_link(mut self, provider: &Provider, scopes: &[String], token_name: Option<&str>) -> Self {
        let Ok(url) = Url::parse(&self.url) else { return self };
        let mut vars = provider.vars(&self.settings);
        let name = token_name.map_or_else(|| provider.token_name.replace("{app}", "Patchbay"), str::to_owned);
        // Some services refuse longer names.
        vars.insert("token_name".to_owned(), name.chars().take(128).collect());
        vars.insert("scopes".to_owned(), scopes.join(","));
        self.create_page = provider.page(provider.pages.create.as_deref(), &url, &vars);
        self
    }
}

fn applies(when: &When, answers: &Vars) -> bool {
    when.iter().all(|(key, values)| answers.get(key).is_some_and(|answer| values.contains(answer)))
}

fn check(field: &Field, answer: &str) -> Option<Error> {
    let wrong = |message: String| {
        let hint = field.hint.clone().unwrap_or_else(|| "Look at the service's own address.".to_owned());
        Some(Error::new(Code::SettingInvalid, message).hint(hint).field(&field.key))
    };
    if !field.choices.is_empty() && !field.choices.iter().any(|choice| choice.value == answer) {
        let known: Vec<_> = field.choices.iter().map(|choice| choice.value.as_str()).collect();
        return wrong(format!("{} can be: {}.", field.label, known.join(", ")));
    }
    if field.kind == FieldKind::Address {
        return check_address(answer).err().map(|error| error.field(&field.key));
    }
    if field.kind == FieldKind::Text && is_token(answer) {
        let error = Error::new(Code::AddressHasToken, format!("{} looks like a token.", field.label));
        return Some(error.hint("Take it out; the token gets its own field further on.").field(&field.key));
    }
    let fits = field.pattern.is_none_or(|pattern| pattern.fits(answer));
    if fits { None } else { wrong(format!("{} does not look right.", field.label)) }
}

impl Pattern {
    fn fits(self, text: &str) -> bool {
        let all = |more: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
        match self {
            Self::Name => all("-"),
            Self::Segment => all("-_.~%") && text != "." && text != "..",
            Self::Host => all("-.:"),
            Self::Header => headers::is_free(text),
            Self::User => is_user(text),
            Self::Guid => {
                let parts: Vec<_> = text.split('-').map(str::len).collect();
                parts == [8, 4, 4, 4, 12] && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
            }
        }
    }
}

/// Whether a default stands for what other answers come to.
fn is_template(default: &str) -> bool {
    default.contains('{')
}

/// Puts values in the place of `{keys}`.
fn expand(template: &str, vars: &Vars, encode: bool) -> String {
    vars.iter().fold(template.to_owned(), |text, (key, value)| {
        // What builds the host or is an origin must not be encoded; it is checked by its pattern.
        let whole = key == "origin" || key == "host" || key == "domain" || key.ends_with("_part");
        let value = if encode && !whole { encoded(value) } else { value.clone() };
        text.replace(&format!("{{{key}}}"), &value)
    })
}

fn encoded(text: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().fold(String::new(), |out, byte| {
        if kept(byte) { out + &char::from(byte).to_string() } else { out + &format!("%{byte:02X}") }
    })
}
