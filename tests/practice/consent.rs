//! The page that asks the user, and the page with all that signed in.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::app::{REDIRECT, decide, json_of, open, post, register, said, sign_in, text, ticket};
use crate::ask::{call, header, request, service};

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_the_apps() {
    let service = service().await;
    let app = register(&service).await;
    let cases: [&[(&str, &str)]; 5] = [
        &[("client_id", "pbc_nobody")],
        &[("client_id", "")],
        &[("redirect_uri", "https://evil.example/")],
        &[("redirect_uri", "http://127.0.0.1:5555/callback/more")],
        &[("redirect_uri", "http://127.0.0.1:5555/callback#x")],
    ];
    for changes in cases {
        let answer = open(&service, &app, changes).await;
        assert_eq!((answer.status(), header(&answer, "location")), (StatusCode::BAD_REQUEST, ""), "{changes:?}");
        assert!(answer.text().await.expect("a page").contains(r#"role="alert""#));
    }
    let twice = format!("/authorize?client_id={app}&client_id={app}");
    let answer = request(&service, Method::GET, &twice).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_app_hears_what_was_wrong_with_its_request() {
    let service = service().await;
    let app = register(&service).await;
    let cases = [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("scope", "root", "invalid_scope"),
        ("resource", "https://elsewhere.example/mcp", "invalid_target"),
    ];
    for (name, value, expected) in cases {
        let answer = open(&service, &app, &[(name, value)]).await;
        let back = header(&answer, "location").to_owned();
        assert!(back.starts_with(REDIRECT), "{name} {value}");
        assert_eq!(said(&back, "error").as_deref(), Some(expected), "{name} {value}");
        assert_eq!((said(&back, "state").as_deref(), said(&back, "iss").is_some()), (Some("st&te"), true));
    }
}

#[tokio::test]
async fn who_refuses_is_believed() {
    let service = service().await;
    let app = register(&service).await;
    for decision in ["refuse", "", "anything"] {
        let back = decide(&service, &app, &[], decision).await;
        assert_eq!((said(&back, "error").as_deref(), said(&back, "code")), (Some("access_denied"), None));
        assert_eq!((said(&back, "state").as_deref(), said(&back, "iss").is_some()), (Some("st&te"), true));
    }
}

#[tokio::test]
async fn the_port_is_free_on_this_computer() {
    let service = service().await;
    let app = register(&service).await;
    let back = decide(&service, &app, &[("redirect_uri", "http://127.0.0.1:61234/callback")], "allow").await;
    assert!(back.starts_with("http://127.0.0.1:61234/callback?code="), "{back}");
}

#[tokio::test]
async fn a_page_is_answered_once_and_by_this_site_alone() {
    let service = service().await;
    let app = register(&service).await;
    let page = open(&service, &app, &[]).await.text().await.expect("a page");
    let ticket = ticket(&page);
    for (name, value) in
        [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")]
    {
        let answer = request(&service, Method::POST, "/authorize").header(name, value);
        let answer = answer.header("content-type", "application/x-www-form-urlencoded");
        let answer = answer.body(format!("ticket={ticket}&decision=allow")).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name} {value}");
    }
    let guessed = post(&service, "/authorize", &[("ticket", "guessed"), ("decision", "allow")]).await;
    assert_eq!(guessed.status(), StatusCode::BAD_REQUEST);
    let form = [("ticket", ticket.as_str()), ("decision", "allow")];
    assert_eq!(post(&service, "/authorize", &form).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(post(&service, "/authorize", &form).await.status(), StatusCode::BAD_REQUEST, "once");
}

#[tokio::test]
async fn an_apps_name_is_text_wherever_it_stands() {
    let service = service().await;
    let wish = json!({ "client_name": "<script>alert(1)</script>\u{7}\"&", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" });
    let answer = request(&service, Method::POST, "/register").json(&wish).send().await.expect("an answer");
    let app = text(&json_of(answer, StatusCode::CREATED).await, "client_id");
    let page = open(&service, &app, &[]).await.text().await.expect("a page");
    sign_in(&service, &app, "profile:read").await;
    let list =
        request(&service, Method::GET, "/sign-ins").send().await.expect("an answer").text().await.expect("a page");
    for html in [page, list] {
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;") && !html.contains("<script"));
    }
}

#[tokio::test]
async fn the_page_lists_what_signed_in_and_signs_it_out() {
    let service = service().await;
    let app = register(&service).await;
    let (access, refresh) = sign_in(&service, &app, "profile:read").await;
    let read = async || {
        request(&service, Method::GET, "/sign-ins").send().await.expect("an answer").text().await.expect("text")
    };
    let page = read().await;
    assert!(page.contains("My app") && !page.contains(&access) && !page.contains(&refresh));
    let id = page.split(r#"data-end=""#).nth(1).and_then(|rest| rest.split('"').next()).expect("a button").to_owned();
    let answer = request(&service, Method::POST, &format!("/sign-ins/{id}/end")).send().await.expect("an answer");
    assert_eq!((answer.status(), header(&answer, "location")), (StatusCode::SEE_OTHER, "/sign-ins"));
    assert!(!read().await.contains("data-end"));
    let answer = call(&service, &access, "whoami", json!({})).await;
    assert_eq!(json_of(answer, StatusCode::UNAUTHORIZED).await["reason"], "revoked");
    let unknown = request(&service, Method::POST, "/api/sign-ins/nobody/end").send().await.expect("an answer");
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_removed_with_all_that_it_brought() {
    let service = service().await;
    let form = [("name", "Nightly"), ("scope", "profile:read"), ("redirects", "")];
    let page = post(&service, "/sign-ins", &form).await.text().await.expect("a page");
    let shown = |prefix: &str| page.split('"').find(|part| part.starts_with(prefix)).expect("it is shown").to_owned();
    let (id, secret) = (shown("pbc_"), shown("pbs_"));
    let again =
        request(&service, Method::GET, "/sign-ins").send().await.expect("an answer").text().await.expect("text");
    assert!(again.contains(&id) && again.contains("Nightly") && !again.contains(&secret));
    let grant = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret)];
    let access = text(&json_of(post(&service, "/token", &grant).await, StatusCode::OK).await, "access_token");
    let removed = post(&service, &format!("/sign-ins/client/{id}/remove"), &[]).await;
    assert_eq!(removed.status(), StatusCode::SEE_OTHER);
    assert_eq!(call(&service, &access, "whoami", json!({})).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(post(&service, "/token", &grant).await.status(), StatusCode::UNAUTHORIZED);
    let app = register(&service).await;
    let removed = post(&service, &format!("/sign-ins/client/{app}/remove"), &[]).await;
    assert_eq!(removed.status(), StatusCode::NOT_FOUND, "an app that registered itself is no such entry");
}

#[tokio::test]
async fn a_bad_form_keeps_what_was_typed_and_makes_nothing() {
    let service = service().await;
    let form = [("name", "Mine"), ("scope", "notes:write"), ("redirects", "http://elsewhere.example/<b>")];
    let answer = post(&service, "/sign-ins", &form).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.expect("a page");
    assert!(page.contains(r#"role="alert""#) && page.contains(r#"value="Mine""#) && !page.contains("<b>"));
    assert!(page.contains(r#"value="notes:write" checked"#) && !page.contains("pbc_"));
}
