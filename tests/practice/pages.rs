//! The token page, and the same as JSON.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::ask::{ALL, header, request, send_form, service, token};

async fn text(service: &patchbay_practice::Running, path: &str) -> String {
    let answer = request(service, Method::GET, path).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.text().await.expect("text")
}

#[tokio::test]
async fn the_page_says_what_it_is_and_is_filled_in_from_its_address() {
    let service = service().await;
    let page = text(&service, "/tokens?name=Claude+%3Cb%3EDesktop&scopes=notes:write,profile:read").await;
    assert!(page.contains("Practice service. Its tokens are worth nothing anywhere else."));
    assert!(page.contains(r#"value="Claude &lt;b&gt;Desktop""#));
    assert!(page.contains(r#"value="notes:write" checked"#) && page.contains(r#"value="profile:read" checked"#));
    assert!(!page.contains(r#"value="notes:read" checked"#));
    for id in ["token-name", "scope-profile-read", "scope-notes-read", "scope-notes-write", "lifetime", "make-token"] {
        assert!(page.contains(&format!(r#"id="{id}""#)), "{id}");
    }
}

#[tokio::test]
async fn the_first_address_leads_to_the_page() {
    let service = service().await;
    let answer = request(&service, Method::GET, "/").send().await.expect("an answer");
    assert!(answer.status().is_redirection());
    assert_eq!(header(&answer, "location"), "/tokens");
}

#[tokio::test]
async fn scripts_come_from_the_service_alone() {
    let service = service().await;
    for path in ["/tokens", "/tokens.js", "/mcp", "/nowhere"] {
        let answer = request(&service, Method::GET, path).send().await.expect("an answer");
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert_eq!(header(&answer, "cache-control"), "no-store");
    }
    let page = text(&service, "/tokens").await;
    assert_eq!(page.matches("<script").count(), 1);
    assert!(page.contains(r#"<script src="/tokens.js" defer></script>"#));
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains(" onclick"));
    for asset in ["/tokens.css", "/tokens.js", "/icon.svg"] {
        text(&service, asset).await;
    }
}

#[tokio::test]
async fn a_token_is_shown_once() {
    let service = service().await;
    let form = "name=Mine&scope=profile%3Aread&scope=notes%3Aread&lifetime=300";
    let answer = send_form(request(&service, Method::POST, "/tokens"), form).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = answer.text().await.expect("text");
    let field = page.split(r#"id="new-token" readonly"#).nth(1).expect("the field is read-only");
    let value = field.split('"').find(|part| part.starts_with("pbp_")).expect("a token").to_owned();
    assert_eq!(page.matches(&value).count(), 1);
    assert!(page.contains(r#"id="new-token-ends" datetime=""#));
    for path in ["/tokens", "/api/tokens"] {
        assert!(!text(&service, path).await.contains(&value), "{path}");
    }
    let whoami = crate::ask::call(&service, &value, "whoami", json!({})).await;
    let whoami = crate::ask::message(whoami).await["result"]["structuredContent"].clone();
    assert_eq!(whoami["scopes"], json!(["profile:read", "notes:read"]), "both boxes count");
}

#[tokio::test]
async fn a_bad_form_keeps_what_was_typed() {
    let service = service().await;
    let form = "name=++&scope=notes%3Awrite&lifetime=3600";
    let answer = send_form(request(&service, Method::POST, "/tokens"), form).await;
    assert_eq!(answer.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.text().await.expect("text");
    assert!(page.contains(r#"role="alert""#));
    assert!(page.contains(r#"value="notes:write" checked"#) && page.contains(r#"value="3600" selected"#));
    assert_eq!(text(&service, "/api/tokens").await, "[]");
}

#[tokio::test]
async fn the_page_revokes() {
    let service = service().await;
    let (id, _) = token(&service, ALL).await;
    assert!(text(&service, "/tokens").await.contains(&format!(r#"data-revoke="{id}""#)));
    let revoke = request(&service, Method::POST, &format!("/tokens/{id}/revoke"));
    assert_eq!(revoke.send().await.expect("an answer").status(), StatusCode::SEE_OTHER);
    let page = text(&service, "/tokens").await;
    assert!(page.contains(r#"data-state="revoked""#) && !page.contains("data-revoke"));
    let unknown = request(&service, Method::POST, "/tokens/nobody/revoke").send().await.expect("an answer");
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn scripts_list_and_revoke_without_seeing_a_value() {
    let service = service().await;
    let (id, value) = token(&service, ALL).await;
    let listed = text(&service, "/api/tokens").await;
    assert!(!listed.contains(&value) && !listed.contains("hash"));
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed[0]["id"], id);
    assert_eq!(listed[0]["scopes"], json!(ALL));
    let at = |key: &str| listed[0][key].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let (created, expires) = at("created").zip(at("expires")).expect("moments");
    assert_eq!(expires.as_second() - created.as_second(), 3600);
    let path = format!("/api/tokens/{id}");
    let answer = request(&service, Method::DELETE, &path).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(text(&service, "/api/tokens").await.contains(r#""state":"revoked""#));
    let answer = request(&service, Method::DELETE, "/api/tokens/nobody").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn unfit_requests_are_refused_in_words() {
    let service = service().await;
    let bodies = [
        (json!({ "name": "", "scopes": ["notes:read"], "lifetime_seconds": 60 }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "name": "a", "scopes": ["root"], "lifetime_seconds": 60 }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "name": "a", "scopes": ["notes:read"], "lifetime_seconds": 59 }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "name": "a", "lifetime_seconds": 60 }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "name": "a" }), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({ "name": "a".repeat(70_000) }), StatusCode::PAYLOAD_TOO_LARGE),
    ];
    for (body, status) in bodies {
        let answer = request(&service, Method::POST, "/api/tokens").json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), status);
        let words: Value = answer.json().await.expect("JSON");
        assert!(words["message"].as_str().is_some_and(|words| !words.is_empty()));
    }
    assert_eq!(text(&service, "/api/tokens").await, "[]");
}
