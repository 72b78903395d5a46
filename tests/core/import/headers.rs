//! Tokens in headers and in the arguments of go-betweens: what of them is the token.

use rstest::rstest;
use serde_json::json;

use crate::api::world;

#[rstest]
#[case::a_space(&["npx", "mcp-remote", "URL", "--header", "Authorization: Bearer TOKEN"], "Authorization", "Bearer ")]
#[case::no_space(&["cmd", "/c", "npx", "-y", "mcp-remote", "URL", "--header=Authorization:Bearer TOKEN"], "Authorization", "Bearer ")]
#[case::another_header(&["bunx", "mcp-remote@0.1", "URL", "3334", "--header", "X-API-Key:TOKEN", "--transport", "http-only"], "X-API-Key", "")]
#[case::one_plain_beside(&["pnpm", "dlx", "mcp-remote", "URL", "--header", "X-Account:wdc", "--header", "Authorization:Basic TOKEN"], "Authorization", "Basic ")]
#[case::the_python_one(&["uvx", "mcp-proxy", "--transport", "streamablehttp", "-H", "Authorization", "Bearer TOKEN", "URL"], "Authorization", "Bearer ")]
#[case::the_gateway(&["npx", "-y", "supergateway", "--streamableHttp", "URL", "--oauth2Bearer", "TOKEN"], "Authorization", "Bearer ")]
#[case::in_a_container(&["docker", "run", "-i", "--rm", "-e", "AUTH=Bearer TOKEN", "x/mcp-remote:1", "URL", "--header", "Authorization:${AUTH}"], "Authorization", "Bearer ")]
#[tokio::test]
async fn a_token_in_the_arguments_of_a_go_between_is_brought_in(
    #[case] words: &[&str],
    #[case] header: &str,
    #[case] prefix: &str,
) {
    const TOKEN: &str = "canary0123456789abcdef";
    let world = world().await;
    let word = |word: &&str| word.replace("URL", "https://mcp.example.com/mcp").replace("TOKEN", TOKEN);
    let words: Vec<String> = words.iter().map(word).collect();
    world.home.write(
        "claude-desktop",
        &json!({ "mcpServers": { "it": { "command": words[0], "args": words[1..] } } }).to_string(),
    );
    world.import("it").await.expect("brought in");
    world.is_gone(TOKEN);
    let connection = world.patchbay.state().expect("the state").connections[0].clone();
    assert_eq!((connection.auth.name.as_str(), connection.auth.prefix.as_str()), (header, prefix));
    assert_eq!(connection.url, "https://mcp.example.com/mcp");
    assert_eq!(world.stored(&connection.credentials[0].key()).as_deref(), Some(TOKEN));
    let plain = words.iter().any(|word| word.starts_with("X-Account"));
    assert_eq!(connection.headers, if plain { vec![("X-Account".to_owned(), "wdc".to_owned())] } else { Vec::new() });
}

#[tokio::test]
async fn a_pair_of_an_e_mail_address_and_a_token_is_taken_apart_and_only_the_token_is_kept() {
    const TOKEN: &str = "ATATT3xcanary0123456789";
    let world = world().await;
    let written = patchbay_core::wire::base64(format!("ana@example.com:{TOKEN}").as_bytes());
    let headers = json!({ "Authorization": format!("Basic {written}") });
    let entry = json!({ "type": "http", "url": "https://mcp.example.com/mcp", "headers": headers });
    world.home.write("claude-code", &json!({ "mcpServers": { "it": entry } }).to_string());
    world.import("it").await.expect("brought in");
    world.is_gone(&written);
    let connection = world.patchbay.state().expect("the state").connections[0].clone();
    assert_eq!(connection.auth.user.as_deref(), Some("ana@example.com"));
    assert_eq!(connection.settings["scheme"], "basic-pair");
    assert_eq!(world.stored(&connection.credentials[0].key()).as_deref(), Some(TOKEN));
    let endpoint = world.patchbay.endpoint(&connection, None).await.expect("an endpoint");
    assert_eq!(endpoint.exposed_headers(), [("Authorization".to_owned(), format!("Basic {written}"))]);
}

#[tokio::test]
async fn a_service_that_takes_pairs_is_known_with_its_answers() {
    let world = world().await;
    let url = "https://mcp.atlassian.com/v1/mcp";
    let remote = |sign_in: String| json!({ "type": "http", "url": url, "headers": { "Authorization": sign_in } });
    let written = patchbay_core::wire::base64(b"ana@example.com:ATATT3xcanary0123456789");
    world
        .home
        .write("claude-code", &json!({ "mcpServers": { "mine": remote(format!("Basic {written}")) } }).to_string());
    world.import("mine").await.expect("brought in");
    let connection = world.patchbay.state().expect("the state").connections[0].clone();
    assert_eq!(connection.provider, "atlassian");
    let settings: Vec<_> = connection.settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(settings, [("address", url), ("user", "ana@example.com"), ("who", "person")]);
    let bearer = json!({ "mcpServers": { "robot": remote("Bearer ATSTTcanary0123456789".to_owned()) } });
    world.home.write("claude-code", &bearer.to_string());
    world.import("robot").await.expect("brought in");
    let connection = world.patchbay.state().expect("the state").connections[1].clone();
    assert_eq!((connection.settings["who"].as_str(), connection.auth.user), ("service", None));
}

/// Some services have the secret stand first, and nothing after the colon.
#[tokio::test]
async fn a_pair_without_an_e_mail_address_stays_one_secret() {
    let world = world().await;
    let written = patchbay_core::wire::base64(b"sk_live_canary0123456789:");
    let headers = json!({ "Authorization": format!("Basic {written}") });
    let entry = json!({ "type": "http", "url": "https://mcp.example.com/mcp", "headers": headers });
    world.home.write("claude-code", &json!({ "mcpServers": { "it": entry } }).to_string());
    world.import("it").await.expect("brought in");
    let connection = world.patchbay.state().expect("the state").connections[0].clone();
    assert_eq!((connection.auth.user, connection.auth.prefix.as_str()), (None, "Basic "));
    assert_eq!(world.stored(&connection.credentials[0].key()), Some(written));
    assert!(world.home.files_with("sk_live_canary").is_empty());
}

#[tokio::test]
async fn one_token_in_several_headers_is_one_token() {
    const TOKEN: &str = "canary0123456789abcdef";
    let world = world().await;
    let headers = json!({ "Authorization": format!("Token token={TOKEN}"), "X-API-Key": TOKEN });
    let entry = json!({ "type": "http", "url": "https://mcp.example.com/mcp", "headers": headers });
    world.home.write("claude-code", &json!({ "mcpServers": { "it": entry } }).to_string());
    world.import("it").await.expect("brought in");
    world.is_gone(TOKEN);
    let connection = world.patchbay.state().expect("the state").connections[0].clone();
    assert_eq!(connection.credentials.len(), 1);
    let endpoint = world.patchbay.endpoint(&connection, None).await.expect("an endpoint");
    let mut sent = endpoint.exposed_headers();
    sent.sort();
    let wanted = [("Authorization", format!("Token token={TOKEN}")), ("X-Api-Key", TOKEN.to_owned())];
    assert_eq!(sent, wanted.map(|(name, value)| (name.to_owned(), value)));
}
