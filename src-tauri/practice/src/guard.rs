//! Who may come in at all: programs and pages of this computer.
//!
//! A page elsewhere can make a browser send requests here, under its own name (cross-site) or under a name that it
//! points at this computer (DNS rebinding). Both are refused on every route, before anything else happens.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{self, HeaderName};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// What every answer carries.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`: browsers then send `Origin: null` with our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Refuses requests that name another host, and those that a page of another origin makes.
pub(crate) async fn this_computer_only(request: Request, next: Next) -> Response {
    let mut response = match refusal(request.method(), request.uri(), request.headers()) {
        Some(words) => (StatusCode::FORBIDDEN, words).into_response(),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
    let Some(host) = only(headers, header::HOST) else {
        return Some("Say once which host is meant.");
    };
    if !is_loopback(host) || uri.authority().is_some_and(|named| !is_loopback(named.as_str())) {
        return Some("This service is for programs on this computer only.");
    }
    if let Some(origin) = headers.get(header::ORIGIN)
        && !origin.as_bytes().eq_ignore_ascii_case(format!("http://{host}").as_bytes())
    {
        return Some("Pages of another origin may not use this service.");
    }
    // A link from elsewhere may open the page; it may not change anything.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let changes = !matches!(*method, Method::GET | Method::HEAD);
    (changes && !matches!(site, None | Some(b"same-origin" | b"none")))
        .then_some("Pages of another origin may not change anything here.")
}

/// The header's value, if it is there exactly once: two could be read in two ways.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())?.to_str().ok()
}

fn is_loopback(authority: &str) -> bool {
    let Ok(parsed) = authority.parse::<Authority>() else { return false };
    let host = parsed.host();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    !authority.contains('@') && (host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: &Method, uri: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        refusal(method, &uri.parse().expect("an address"), &map).is_some()
    }

    #[test]
    fn only_names_of_this_computer_are_taken() {
        for host in ["127.0.0.1:1", "localhost", "LocalHost:80", "[::1]:47115", "127.9.9.9"] {
            assert!(is_loopback(host), "{host}");
        }
        let elsewhere = ["", "evil.example", "127.0.0.1.evil.example:1", "localhost.evil.example", "192.168.1.2"];
        for host in elsewhere.into_iter().chain(["0.0.0.0:1", "a@localhost", "localhost@evil.example", "[::2]"]) {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_host_that_can_be_read_in_two_ways_is_refused() {
        assert!(refused(&Method::GET, "/", &[]));
        assert!(refused(&Method::GET, "/", &[("host", "localhost"), ("host", "evil.example")]));
        assert!(refused(&Method::GET, "http://evil.example/", &[("host", "localhost")]));
        assert!(!refused(&Method::GET, "http://localhost:5/", &[("host", "localhost:5")]));
    }

    #[test]
    fn an_origin_must_be_our_own() {
        let from = |origin| refused(&Method::POST, "/", &[("host", "127.0.0.1:5"), ("origin", origin)]);
        assert!(!from("http://127.0.0.1:5"));
        for origin in ["http://127.0.0.1:6", "https://127.0.0.1:5", "http://localhost:5", "null", "http://evil.example"]
        {
            assert!(from(origin), "{origin}");
        }
        let elsewhere = [("host", "127.0.0.1:5"), ("origin", "http://evil.example")];
        assert!(refused(&Method::GET, "/", &elsewhere), "reading from another origin is refused, too");
    }

    #[test]
    fn a_link_from_elsewhere_opens_the_page_and_changes_nothing() {
        let from = |method, site| refused(&method, "/", &[("host", "127.0.0.1:5"), ("sec-fetch-site", site)]);
        assert!(!from(Method::GET, "cross-site"));
        assert!(!from(Method::POST, "same-origin"));
        assert!(!from(Method::POST, "none"));
        for site in ["cross-site", "same-site", "anything"] {
            assert!(from(Method::POST, site) && from(Method::DELETE, site), "{site}");
        }
    }
}
