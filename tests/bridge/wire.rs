//! The HTTP client below.

use patchbay_core::wire::header::HeaderMap;
use patchbay_core::wire::{Client, Endpoint, Method, Timeouts, WireError, read_bounded};

use crate::service::{Reply, Service, Step};

async fn get(url: &str) -> Result<Vec<u8>, WireError> {
    let endpoint = Endpoint::new(url).expect("an address");
    let client = Client::for_endpoint(&endpoint, Timeouts::default()).expect("a client");
    let answer = client.send(&endpoint, Method::GET, None, &HeaderMap::new()).await?;
    read_bounded(answer, 100).await.map(Into::into)
}

#[tokio::test]
async fn a_name_that_is_not_there_is_told_from_a_place_where_nobody_answers() {
    assert_eq!(get("https://no-such-name.invalid/").await, Err(WireError::Name));
    let gone = Service::start(|_| Reply::status(200)).await.url();
    assert_eq!(get(&gone).await, Err(WireError::Connect));
}

#[tokio::test]
async fn a_peer_that_speaks_no_tls_is_told() {
    let service = Service::start(|_| Reply::status(200)).await;
    let secure = service.url().replace("http://", "https://");
    let told = get(&secure).await;
    assert!(matches!(told, Err(WireError::Tls(_) | WireError::Connect)), "{told:?}");
}

#[tokio::test]
async fn five_redirects_are_followed_and_no_more() {
    for (hops, arrives) in [(5, true), (6, false)] {
        let service = Service::start(move |asked| {
            let hop: usize = asked.path.trim_start_matches("/mcp").parse().unwrap_or(0);
            match hop {
                hop if hop == hops => Reply::status(200).body("text/plain", "here"),
                hop => Reply::status(307).header("location", &format!("/mcp{}", hop + 1)),
            }
        })
        .await;
        let told = get(&service.url()).await;
        assert_eq!(told, if arrives { Ok(b"here".to_vec()) } else { Err(WireError::Circles) });
    }
}

#[tokio::test]
async fn a_body_is_bounded_to_the_byte() {
    for (size, fits) in [(100, true), (101, false)] {
        let halves = ["x".repeat(50), "x".repeat(size - 50)].map(Step::Say);
        let service = Service::start(move |_| Reply::stream(halves.clone())).await;
        let told = get(&service.url()).await;
        assert_eq!(told, if fits { Ok(vec![b'x'; size]) } else { Err(WireError::TooLarge) });
    }
}
