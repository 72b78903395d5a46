//! What the library is told, mended where it is stricter than who renews a sign-in here: the same answer must be good at
//! the first time and at the second.

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::{Origin, Url};

use super::bundle::Proof;
use super::line::Answer;
use super::token::lasts;

const METHOD: &str = "token_endpoint_auth_method";

/// A token endpoint's answer as the library takes it: a token of no kind is a bearer's (most mean that), its time is a
/// number of seconds or not said, and a refusal has the status of one (GitHub refuses with 200).
pub(super) fn tokens(answer: &mut Answer) {
    let Some(mut said) = object(&answer.body).filter(|_| answer.status == StatusCode::OK) else { return };
    if said.get("access_token").is_none_or(Value::is_null) && said.get("error").is_some_and(Value::is_string) {
        answer.status = StatusCode::BAD_REQUEST;
        return;
    }
    if said.get("token_type").is_none_or(Value::is_null) {
        said.insert("token_type".to_owned(), json!("Bearer"));
    }
    if let Some(time) = said.remove("expires_in").and_then(|time| lasts(&time)) {
        said.insert("expires_in".to_owned(), json!(time));
    }
    answer.body = written(said);
}

/// Who signs people in, as a service's metadata names them.
pub(super) fn issuers(body: &[u8]) -> Vec<Origin> {
    let named = object(body).and_then(|mut said| said.remove("authorization_servers"));
    let named = named.as_ref().and_then(Value::as_array).into_iter().flatten();
    named.filter_map(|one| Url::parse(one.as_str()?).ok()).map(|url| url.origin()).collect()
}

fn object(body: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

fn written(object: Map<String, Value>) -> Bytes {
    Value::Object(object).to_string().into()
}

/// A registration that asks for this proof, where the library's own choice is not among those that are taken.
pub(super) fn registration(body: Bytes, proof: Option<Proof>) -> Bytes {
    let Some((mut asked, proof)) = object(&body).zip(proof) else { return body };
    asked.insert(METHOD.to_owned(), json!(proof.word()));
    written(asked)
}

/// A registration's answer as the library takes it: with the places to come back to, which many leave out.
pub(super) fn registered(asked: &[u8], answer: &mut Answer) {
    const PLACES: &str = "redirect_uris";
    let Some((mut said, asked)) = object(&answer.body).zip(object(asked)) else { return };
    if said.get(PLACES).is_none_or(|places| !places.is_array()) {
        said.insert(PLACES.to_owned(), asked.get(PLACES).cloned().unwrap_or_default());
        answer.body = written(said);
    }
}

/// What a registration gives beyond what the library reads (RFC 7591, 3.2.1): the proof that the client is to show, and
/// until when its secret is good.
pub(super) fn given(answer: &Answer) -> (Option<Proof>, Option<Timestamp>) {
    let Some(said) = object(&answer.body) else { return (None, None) };
    let word = said.get(METHOD).and_then(Value::as_str);
    let secret = [Proof::ClientSecretBasic, Proof::ClientSecretPost];
    let proof = secret.into_iter().find(|proof| word == Some(proof.word()));
    // Nought says that it has no end.
    let until = said.get("client_secret_expires_at").and_then(Value::as_i64).filter(|until| *until > 0);
    (proof, until.and_then(|until| Timestamp::from_second(until).ok()))
}
