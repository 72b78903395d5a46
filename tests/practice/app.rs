//! An app that signs in by OAuth, one raw request at a time, and the person who decides on the page.

use patchbay_practice::Running;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::ask::{header, request};

/// The verifier and the challenge of RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:5555/callback";

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// The answer to a request, as JSON, of which the status is sure.
pub(crate) async fn json_of(answer: Response, status: StatusCode) -> Value {
    let (got, text) = (answer.status(), answer.text().await.expect("a body"));
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

pub(crate) fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned()
}

/// Sends a form.
pub(crate) async fn post(service: &Running, path: &str, form: Pairs<'_>) -> Response {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = request(service, Method::POST, path).header("content-type", "application/x-www-form-urlencoded");
    request.body(body).send().await.expect("an answer")
}

/// Registers a public app; its id.
pub(crate) async fn register(service: &Running) -> String {
    let wish = json!({ "client_name": "My app", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" });
    let answer = request(service, Method::POST, "/register").json(&wish).send().await.expect("an answer");
    text(&json_of(answer, StatusCode::CREATED).await, "client_id")
}

/// Opens the page that asks, with parameters changed, added or (where empty) left out.
pub(crate) async fn open(service: &Running, client: &str, changes: Pairs<'_>) -> Response {
    let mut pairs = vec![
        ("client_id", client),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("code_challenge_method", "S256"),
        ("code_challenge", CHALLENGE),
        ("state", "st&te"),
    ];
    for (name, value) in changes {
        pairs.retain(|(own, _)| own != name);
        pairs.push((name, value));
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    request(service, Method::GET, &format!("/authorize?{query}")).send().await.expect("an answer")
}

/// What the page's form hands back.
pub(crate) fn ticket(page: &str) -> String {
    let field = page.split(r#"name="ticket" value=""#).nth(1).expect("a ticket");
    field.split('"').next().expect("its value").to_owned()
}

/// What an address says, by name.
pub(crate) fn said(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).expect("an address");
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// Opens the page, decides, and gives the address that the browser is sent to.
pub(crate) async fn decide(service: &Running, client: &str, changes: Pairs<'_>, decision: &str) -> String {
    let answer = open(service, client, changes).await;
    let (status, page) = (answer.status(), answer.text().await.expect("a page"));
    assert_eq!(status, StatusCode::OK, "{page}");
    let answer = post(service, "/authorize", &[("ticket", &ticket(&page)), ("decision", decision)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    header(&answer, "location").to_owned()
}

/// A code for permissions that the user allowed.
pub(crate) async fn code(service: &Running, client: &str, scope: &str) -> String {
    said(&decide(service, client, &[("scope", scope)], "allow").await, "code").expect("a code")
}

/// Redeems a code.
pub(crate) async fn redeem(service: &Running, client: &str, code: &str) -> Response {
    let grant = ("grant_type", "authorization_code");
    let form = [grant, ("code", code), ("client_id", client), ("code_verifier", VERIFIER), ("redirect_uri", REDIRECT)];
    post(service, "/token", &form).await
}

/// Signs in with permissions: the access and the refresh token.
pub(crate) async fn sign_in(service: &Running, client: &str, scope: &str) -> (String, String) {
    let answer = redeem(service, client, &code(service, client, scope).await).await;
    let tokens = json_of(answer, StatusCode::OK).await;
    (text(&tokens, "access_token"), text(&tokens, "refresh_token"))
}

/// Uses a refresh token.
pub(crate) async fn refresh(service: &Running, client: &str, token: &str) -> Response {
    post(service, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", client)]).await
}
