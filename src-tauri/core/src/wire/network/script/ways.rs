//! What a proxy script says: ways, one after the other, of which the first that can be gone counts.

use tokio::time::timeout;

use super::super::tunnel::dial;
use super::{Proxy, ScriptWhy, run};

/// A way: through a proxy, or directly.
pub(super) type Way = Option<Proxy>;

/// More ways than this are no more than these.
const MOST: usize = 8;
/// How long a proxy may take to answer before the next way is gone.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// The ways that a script names and that can be gone here; `PROXY host:port; SOCKS host:port; DIRECT` and the like.
/// Nothing at all, or an empty text, means directly.
///
/// # Errors
/// It names some, and none that can be gone.
pub(super) fn ways(said: Option<&str>) -> Result<Vec<Way>, ScriptWhy> {
    let said = said.map(str::trim).unwrap_or_default();
    if said.is_empty() {
        return Ok(vec![None]);
    }
    let ways: Vec<Way> = said.split(';').filter_map(way).take(MOST).collect();
    if ways.is_empty() { Err(ScriptWhy::NamesNothing(run::short(said))) } else { Ok(ways) }
}

fn way(said: &str) -> Option<Way> {
    let mut words = said.split_whitespace();
    let (kind, place) = (words.next()?, words.next());
    let scheme = match kind.to_ascii_uppercase().as_str() {
        "DIRECT" => return Some(None),
        "PROXY" | "HTTP" => "http",
        "HTTPS" => "https",
        // Of which version SOCKS is, is not said; who speaks the fourth speaks the fifth as a rule.
        "SOCKS" | "SOCKS5" => "socks5h",
        _ => return None,
    };
    Proxy::at(&format!("{scheme}://{}", place?)).ok().map(|proxy| Some(proxy.by_script()))
}

/// The first of some ways that can be gone: a proxy that takes callers, or directly. Where there is but one, or none takes
/// callers, it is the first.
pub(super) async fn first_open(ways: Vec<Way>) -> Way {
    if ways.len() > 1 {
        for way in &ways {
            let Some(proxy) = way else { return None };
            if let Ok(Ok(_)) = timeout(PATIENCE, dial(proxy)).await {
                return way.clone();
            }
        }
    }
    ways.into_iter().next().flatten()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("DIRECT", &["directly"])]
    #[case("", &["directly"])]
    #[case("  PROXY a.example:3128 ;direct; ", &["http://a.example:3128", "directly"])]
    #[case("PROXY proxy;HTTP b:1;HTTPS c:2", &["http://proxy:80", "http://b:1", "https://c:2"])]
    #[case("SOCKS4 a:1; SOCKS5 b:2; SOCKS c", &["socks5h://b:2", "socks5h://c:1080"])]
    #[case("PROXY [fd12::1]:3128", &["http://[fd12::1]:3128"])]
    #[case("PROXY http://a:1; PROXY ana:pw@b:2; PROXY c:3/x; PROXY; PROXY d:99999; PROXY e:5", &["http://e:5"])]
    fn what_a_script_says_is_read(#[case] said: &str, #[case] wanted: &[&str]) {
        let ways = ways(Some(said)).expect("some ways");
        let shown: Vec<_> =
            ways.iter().map(|way| way.as_ref().map_or_else(|| "directly".to_owned(), Proxy::origin)).collect();
        assert_eq!(shown, wanted);
    }

    #[test]
    fn nothing_means_directly_and_nothing_that_can_be_gone_is_a_fault() {
        assert_eq!(ways(None), Ok(vec![None]));
        for unfit in ["SOCKS4 a:1", "BLACKHOLE", "a:1", "PROXY", ";;"] {
            assert_eq!(ways(Some(unfit)), Err(ScriptWhy::NamesNothing(unfit.to_owned())));
        }
    }

    #[tokio::test]
    async fn a_proxy_that_takes_no_callers_is_passed_over() {
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (open_at, gone_at) = (open.local_addr().expect("its port"), gone.local_addr().expect("its port"));
        drop(gone);
        let chosen = async |said: &str| {
            let said = said.replace("OPEN", &open_at.to_string()).replace("GONE", &gone_at.to_string());
            first_open(ways(Some(&said)).expect("some ways")).await.map(|proxy| proxy.port())
        };
        assert_eq!(chosen("PROXY GONE; PROXY OPEN").await, Some(open_at.port()));
        assert_eq!(chosen("PROXY GONE; DIRECT; PROXY OPEN").await, None);
        assert_eq!(chosen("PROXY GONE; PROXY GONE").await, Some(gone_at.port()));
    }
}
