//! Signing in by OAuth: what an app does, request by request.

use std::time::Duration;

use patchbay_practice::{Options, Running, SignInRules, start};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::app::{
    REDIRECT, VERIFIER, code, decide, json_of, open, post, redeem, refresh, register, said, sign_in, text,
};
use crate::ask::{call, client, header, headers, mcp, message, request, service, token};

const READ: &str = "profile:read notes:read";

async fn works(service: &Running, token: &str) -> StatusCode {
    call(service, token, "whoami", json!({})).await.status()
}

async fn fault(answer: Response, status: StatusCode) -> String {
    let fault = json_of(answer, status).await;
    assert!(text(&fault, "error_description").ends_with('.'));
    text(&fault, "error")
}

async fn get(address: &str) -> Value {
    json_of(client().get(address).send().await.expect("an answer"), StatusCode::OK).await
}

#[tokio::test]
async fn the_challenge_leads_to_every_address() {
    let service = service().await;
    for host in [service.addr().to_string(), format!("localhost:{}", service.addr().port())] {
        let origin = format!("http://{host}");
        let answer = client().post(format!("{origin}/mcp")).json(&json!({})).send().await.expect("an answer");
        let challenge = header(&answer, "www-authenticate").to_owned();
        assert!(challenge.starts_with("Bearer ") && challenge.contains(&format!(r#"scope="{READ}""#)), "{challenge}");
        let place = challenge.split(r#"resource_metadata=""#).nth(1).and_then(|rest| rest.split('"').next());
        let resource = get(place.expect("it says where")).await;
        assert_eq!(resource["resource"], format!("{origin}/mcp"));
        assert_eq!(resource["authorization_servers"], json!([origin]));
        let server = get(&format!("{origin}/.well-known/oauth-authorization-server")).await;
        assert_eq!(server["issuer"], origin, "each name of this computer is answered in its own name");
        assert_eq!(server["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(server["authorization_response_iss_parameter_supported"], true);
        for endpoint in ["authorization", "token", "registration", "revocation"] {
            let address = text(&server, &format!("{endpoint}_endpoint"));
            let answer = client().post(&address).send().await.expect("an answer");
            assert!(address.starts_with(&origin) && answer.status() != StatusCode::NOT_FOUND, "{address}");
        }
    }
}

#[tokio::test]
async fn an_app_signs_in_renews_and_signs_out() {
    let service = service().await;
    let app = register(&service).await;
    let page = open(&service, &app, &[]).await;
    let policy = header(&page, "content-security-policy").to_owned();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:5555;") && policy.contains("default-src 'none'"));
    let page = page.text().await.expect("a page");
    assert!(page.contains("&ldquo;My app&rdquo; wants to use the practice service"));
    assert!(
        page.contains("Read the notes") && !page.contains("Add and delete notes"),
        "what it gets if it names nothing"
    );
    let back = decide(&service, &app, &[], "allow").await;
    assert!(back.starts_with(REDIRECT));
    assert_eq!(said(&back, "state").as_deref(), Some("st&te"));
    assert_eq!(said(&back, "iss"), Some(format!("http://{}", service.addr())));
    let answer = redeem(&service, &app, &said(&back, "code").expect("a code")).await;
    assert_eq!(header(&answer, "cache-control"), "no-store");
    let tokens = json_of(answer, StatusCode::OK).await;
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"], &tokens["scope"]),
        (&json!("Bearer"), &json!(3600), &json!(READ))
    );
    let access = text(&tokens, "access_token");
    let whoami =
        message(call(&service, &access, "whoami", json!({})).await).await["result"]["structuredContent"].clone();
    assert_eq!((&whoami["name"], &whoami["scopes"]), (&json!("My app"), &json!(["profile:read", "notes:read"])));
    let renewed = json_of(refresh(&service, &app, &text(&tokens, "refresh_token")).await, StatusCode::OK).await;
    let (newer, last) = (text(&renewed, "access_token"), text(&renewed, "refresh_token"));
    assert_eq!(works(&service, &newer).await, StatusCode::OK);
    let out = post(&service, "/revoke", &[("token", &last), ("client_id", &app)]).await;
    assert_eq!(out.status(), StatusCode::OK);
    for token in [&access, &newer] {
        assert_eq!(works(&service, token).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(fault(refresh(&service, &app, &last).await, StatusCode::BAD_REQUEST).await, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_the_sign_in() {
    let service = service().await;
    let app = register(&service).await;
    let (_, first) = sign_in(&service, &app, READ).await;
    let (other, _) = sign_in(&service, &app, READ).await;
    let renewed = json_of(refresh(&service, &app, &first).await, StatusCode::OK).await;
    assert_eq!(fault(refresh(&service, &app, &first).await, StatusCode::BAD_REQUEST).await, "invalid_grant");
    assert_eq!(works(&service, &text(&renewed, "access_token")).await, StatusCode::UNAUTHORIZED);
    let newest = refresh(&service, &app, &text(&renewed, "refresh_token")).await;
    assert_eq!(fault(newest, StatusCode::BAD_REQUEST).await, "invalid_grant");
    assert_eq!(works(&service, &other).await, StatusCode::OK, "the app's other sign-in has nothing to do with it");
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_what_it_brought() {
    let service = service().await;
    let app = register(&service).await;
    let code = code(&service, &app, READ).await;
    let stranger = register(&service).await;
    assert_eq!(fault(redeem(&service, &stranger, &code).await, StatusCode::BAD_REQUEST).await, "invalid_grant");
    let tokens = json_of(redeem(&service, &app, &code).await, StatusCode::OK).await;
    let access = text(&tokens, "access_token");
    assert_eq!(works(&service, &access).await, StatusCode::OK);
    assert_eq!(fault(redeem(&service, &app, &code).await, StatusCode::BAD_REQUEST).await, "invalid_grant");
    assert_eq!(works(&service, &access).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_code_needs_its_verifier_and_its_address() {
    let service = service().await;
    let app = register(&service).await;
    let fields = |code: String, name: &'static str, value: &'static str| {
        let mut form =
            vec![("grant_type", "authorization_code".to_owned()), ("client_id", app.clone()), ("code", code)];
        form.extend([("code_verifier", VERIFIER.to_owned()), ("redirect_uri", REDIRECT.to_owned())]);
        form.retain(|(own, _)| *own != name);
        form.push((name, value.to_owned()));
        form
    };
    let cases = [
        ("code_verifier", "wrong", "invalid_grant"),
        ("code_verifier", "", "invalid_request"),
        ("redirect_uri", "http://127.0.0.1:5556/callback", "invalid_grant"),
        ("resource", "https://elsewhere.example/mcp", "invalid_target"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("client_id", "pbc_nobody", "invalid_client"),
    ];
    for (name, value, expected) in cases {
        let form = fields(code(&service, &app, READ).await, name, value);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let status = if expected == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        assert_eq!(fault(post(&service, "/token", &form).await, status).await, expected, "{name} {value}");
    }
    let twice = [("grant_type", "refresh_token"), ("client_id", &app), ("refresh_token", "a"), ("refresh_token", "b")];
    assert_eq!(fault(post(&service, "/token", &twice).await, StatusCode::BAD_REQUEST).await, "invalid_request");
}

#[tokio::test]
async fn a_call_without_the_permission_says_what_to_ask_for_and_works_after_that() {
    let service = service().await;
    let app = register(&service).await;
    let (access, _) = sign_in(&service, &app, READ).await;
    let answer = call(&service, &access, "add_note", json!({ "text": "x" })).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let challenge = header(&answer, "www-authenticate");
    assert!(challenge.starts_with(r#"Bearer error="insufficient_scope", resource_metadata="http://127.0.0.1:"#));
    assert!(challenge.ends_with(r#"scope="notes:write""#), "{challenge}");
    let (more, _) = sign_in(&service, &app, "profile:read notes:read notes:write").await;
    assert_eq!(call(&service, &more, "add_note", json!({ "text": "x" })).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_access_token_ends_soon_and_its_app_comes_back() {
    let rules = SignInRules { access: Duration::from_secs(1), ..SignInRules::default() };
    let service = start(Options { sign_ins: rules, ..Options::default() }).await.expect("the service starts");
    let app = register(&service).await;
    let (access, refresh_token) = sign_in(&service, &app, READ).await;
    assert_eq!(works(&service, &access).await, StatusCode::OK);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let answer = call(&service, &access, "whoami", json!({})).await;
    assert!(header(&answer, "www-authenticate").contains(r#"error="invalid_token""#));
    assert_eq!(json_of(answer, StatusCode::UNAUTHORIZED).await["reason"], "expired");
    let renewed = json_of(refresh(&service, &app, &refresh_token).await, StatusCode::OK).await;
    assert_eq!(renewed["expires_in"], 1);
    assert_eq!(works(&service, &text(&renewed, "access_token")).await, StatusCode::OK);
}

#[tokio::test]
async fn a_secret_brings_tokens_without_a_person_and_without_a_refresh_token() {
    let service = service().await;
    let wish = json!({ "name": "Nightly", "scopes": ["profile:read"] });
    let made = request(&service, Method::POST, "/api/clients").json(&wish).send().await.expect("an answer");
    let made = json_of(made, StatusCode::CREATED).await;
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    let grant = ("grant_type", "client_credentials");
    let ask = async |id: &str, secret: &str| {
        let request = request(&service, Method::POST, "/token").basic_auth(id, Some(secret));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body("grant_type=client_credentials").send().await.expect("an answer")
    };
    let by_header = json_of(ask(&id, &secret).await, StatusCode::OK).await;
    let by_form = post(&service, "/token", &[grant, ("client_id", &id), ("client_secret", &secret)]).await;
    for tokens in [by_header, json_of(by_form, StatusCode::OK).await] {
        assert!(tokens["refresh_token"].is_null());
        assert_eq!(works(&service, &text(&tokens, "access_token")).await, StatusCode::OK);
    }
    let listed = get(&format!("http://{}/api/sign-ins", service.addr())).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "one app, one line");
    for (id, secret) in [(id.as_str(), "pbs_wrong"), ("pbc_nobody", &secret)] {
        assert_eq!(fault(ask(id, secret).await, StatusCode::UNAUTHORIZED).await, "invalid_client");
    }
    let without = post(&service, "/token", &[grant, ("client_id", &id)]).await;
    assert_eq!(fault(without, StatusCode::UNAUTHORIZED).await, "invalid_client");
    let more = [grant, ("client_id", &id), ("client_secret", &secret), ("scope", "notes:write")];
    assert_eq!(fault(post(&service, "/token", &more).await, StatusCode::BAD_REQUEST).await, "invalid_scope");
    let app = register(&service).await;
    let public = post(&service, "/token", &[grant, ("client_id", &app)]).await;
    assert_eq!(fault(public, StatusCode::BAD_REQUEST).await, "unauthorized_client");
}

#[tokio::test]
async fn a_token_that_is_revoked_ends_alone_and_only_by_its_own_app() {
    let service = service().await;
    let (app, stranger) = (register(&service).await, register(&service).await);
    let (access, refresh_token) = sign_in(&service, &app, READ).await;
    for value in [access.as_str(), &refresh_token, "pba_unknown"] {
        let answer = post(&service, "/revoke", &[("token", value), ("client_id", &stranger)]).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(works(&service, &access).await, StatusCode::OK);
    post(&service, "/revoke", &[("token", &access), ("client_id", &app)]).await;
    assert_eq!(works(&service, &access).await, StatusCode::UNAUTHORIZED);
    json_of(refresh(&service, &app, &refresh_token).await, StatusCode::OK).await;
    let unknown = post(&service, "/revoke", &[("token", &access), ("client_id", "pbc_nobody")]).await;
    assert_eq!(fault(unknown, StatusCode::UNAUTHORIZED).await, "invalid_client");
}

#[tokio::test]
async fn apps_that_register_are_held_to_the_rules() {
    let service = service().await;
    let ask =
        async |wish: Value| request(&service, Method::POST, "/register").json(&wish).send().await.expect("an answer");
    let redirects = json!([REDIRECT]);
    let cases = [
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://elsewhere.example/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": redirects, "grant_types": ["client_credentials"] }), "invalid_client_metadata"),
        (json!({ "redirect_uris": redirects, "response_types": ["token"] }), "invalid_client_metadata"),
        (json!({ "redirect_uris": redirects, "token_endpoint_auth_method": "tls" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": redirects, "client_name": " " }), "invalid_client_metadata"),
        (json!({ "redirect_uris": "x".repeat(70_000) }), "invalid_client_metadata"),
    ];
    for (wish, expected) in cases {
        assert_eq!(fault(ask(wish).await, StatusCode::BAD_REQUEST).await, expected);
    }
    let made = json_of(ask(json!({ "redirect_uris": redirects })).await, StatusCode::CREATED).await;
    assert_eq!(
        made["token_endpoint_auth_method"], "client_secret_basic",
        "what the standard says where nothing is said"
    );
    assert!(text(&made, "client_secret").starts_with("pbs_"));
}

#[tokio::test]
async fn a_token_from_the_page_works_beside_all_this() {
    let service = service().await;
    let (_, value) = token(&service, &["profile:read"]).await;
    assert_eq!(works(&service, &value).await, StatusCode::OK);
    let answer = mcp(&service, None, headers(&[]), &json!({})).await;
    assert!(!header(&answer, "www-authenticate").contains("error="), "who sent none made no mistake yet");
}

#[tokio::test]
async fn a_test_may_do_without_a_person() {
    let rules = SignInRules { allows_all: true, ..SignInRules::default() };
    let service = start(Options { sign_ins: rules, ..Options::default() }).await.expect("the service starts");
    let app = register(&service).await;
    let answer = open(&service, &app, &[]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let code = said(header(&answer, "location"), "code").expect("a code");
    json_of(redeem(&service, &app, &code).await, StatusCode::OK).await;
}
