//! The tokens' file.

use std::path::{Path, PathBuf};

use patchbay_practice::{Options, PracticeError, Running, start};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::app::{self, json_of, register, sign_in, text};
use crate::ask::{ALL, call, request, token};

async fn on(store: &Path) -> Running {
    start(Options { store: Some(store.to_path_buf()), ..Options::default() }).await.expect("the service starts")
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("data/practice.json");
    (folder, store)
}

fn names(store: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(store.parent().expect("a folder")).expect("a listing");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name().display().to_string()).collect();
    names.sort();
    names
}

async fn status(service: &Running, token: &str) -> StatusCode {
    call(service, token, "whoami", json!({})).await.status()
}

#[tokio::test]
async fn tokens_survive_a_restart_as_hashes() {
    let (_folder, store) = folder();
    let first = on(&store).await;
    let (revoked, bad) = token(&first, ALL).await;
    let (_, good) = token(&first, ALL).await;
    let revoke = request(&first, Method::POST, &format!("/api/tokens/{revoked}/revoke")).send().await;
    assert_eq!(revoke.expect("an answer").status(), StatusCode::NO_CONTENT);
    first.shutdown().await;
    let text = std::fs::read_to_string(&store).expect("the file");
    assert!(!text.contains("pbp_") && !text.contains(&good["pbp_".len()..]));
    assert_eq!(names(&store), ["practice.json", "practice.json.lock"], "no temporary file stays behind");
    let second = on(&store).await;
    assert_eq!(status(&second, &good).await, StatusCode::OK);
    assert_eq!(status(&second, &bad).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn sign_ins_survive_a_restart_as_hashes() {
    let (_folder, store) = folder();
    let first = on(&store).await;
    let app = register(&first).await;
    let (access, refresh) = sign_in(&first, &app, "profile:read").await;
    let wish = json!({ "name": "Nightly", "scopes": ["profile:read"] });
    let made = request(&first, Method::POST, "/api/clients").json(&wish).send().await.expect("an answer");
    let secret = text(&json_of(made, StatusCode::CREATED).await, "client_secret");
    first.shutdown().await;
    let kept = std::fs::read_to_string(&store).expect("the file");
    for value in [&access, &refresh, &secret] {
        assert!(!kept.contains(&value[4..]));
    }
    let second = on(&store).await;
    assert_eq!(status(&second, &access).await, StatusCode::OK);
    json_of(app::refresh(&second, &app, &refresh).await, StatusCode::OK).await;
    let spent = app::refresh(&second, &app, &refresh).await;
    assert_eq!(spent.status(), StatusCode::BAD_REQUEST, "what is spent stays so");
}

#[tokio::test]
async fn a_file_from_before_there_were_sign_ins_is_read() {
    let (_folder, store) = folder();
    let first = on(&store).await;
    let (_, value) = token(&first, ALL).await;
    first.shutdown().await;
    let text = std::fs::read_to_string(&store).expect("the file");
    let mut kept: Value = serde_json::from_str(&text).expect("JSON");
    let fields = kept.as_object_mut().expect("an object");
    fields.remove("clients").and(fields.remove("sign_ins")).expect("both are there");
    std::fs::write(&store, kept.to_string()).expect("written");
    assert_eq!(status(&on(&store).await, &value).await, StatusCode::OK);
}

#[tokio::test]
async fn a_token_whose_end_has_passed_is_expired() {
    let (_folder, store) = folder();
    let first = on(&store).await;
    let (_, value) = token(&first, ALL).await;
    first.shutdown().await;
    let text = std::fs::read_to_string(&store).expect("the file");
    let mut kept: Value = serde_json::from_str(&text).expect("JSON");
    kept["tokens"][0]["expires"] = json!(jiff::Timestamp::now());
    std::fs::write(&store, kept.to_string()).expect("written");
    let second = on(&store).await;
    let answer = call(&second, &value, "whoami", json!({})).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!((&body["reason"], &body["message"]), (&json!("expired"), &json!("This token has expired.")));
    let page = request(&second, Method::GET, "/tokens").send().await.expect("an answer").text().await.expect("text");
    assert!(page.contains(r#"data-state="expired""#));
}

#[tokio::test]
async fn a_damaged_file_is_kept_aside_each_time() {
    let (_folder, store) = folder();
    on(&store).await.shutdown().await;
    for (number, damage) in ["{\"version\":1,\"tok", "{\"version\":99,\"tokens\":[]}"].iter().enumerate() {
        std::fs::write(&store, damage).expect("written");
        let service = on(&store).await;
        let (_, value) = token(&service, ALL).await;
        assert_eq!(status(&service, &value).await, StatusCode::OK);
        service.shutdown().await;
        let aside = store.with_file_name(format!("practice.json.damaged-{}", number + 1));
        assert_eq!(&std::fs::read_to_string(aside).expect("kept"), damage);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_left_alone() {
    let (_folder, store) = folder();
    std::fs::create_dir_all(&store).expect("a folder in its place");
    let error = start(Options { store: Some(store.clone()), ..Options::default() }).await.expect_err("it is no file");
    assert!(matches!(&error, PracticeError::Store(_)) && error.to_string().contains("practice.json"));
    assert!(store.is_dir());
}

#[tokio::test]
async fn two_services_never_share_a_file() {
    let (_folder, store) = folder();
    let first = on(&store).await;
    let error = start(Options { store: Some(store.clone()), ..Options::default() }).await.expect_err("it is in use");
    assert!(matches!(error, PracticeError::StoreInUse(path) if path == store));
    drop(first);
    on(&store).await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, store) = folder();
    let service = on(&store).await;
    token(&service, ALL).await;
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&store), 0o600);
    assert_eq!(mode(&store.with_file_name("practice.json.lock")), 0o600);
    assert_eq!(mode(store.parent().expect("a folder")), 0o700);
}
