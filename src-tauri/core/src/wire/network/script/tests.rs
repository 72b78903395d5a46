//! What scripts find there, and what they cannot do.

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Instant;

use rstest::rstest;
use url::Url;

use super::functions::Around;
use super::run::{MOST_TIME, run};
use super::{Address, Network, Script, ScriptWhy, YOUNG, ask, bring_engine, doubt, memory, said as told};

/// A Wednesday in June, some minutes before noon, two hours east of Greenwich.
const MOMENT: &str = "2026-06-24T11:58:30+02:00[Europe/Berlin]";

fn names(name: &str) -> Vec<IpAddr> {
    let all: &[&str] = match name {
        "intra.example" => &["fd12::7", "10.1.2.3", "10.1.2.4"],
        "new.example" => &["fd12::8"],
        "mapped.example" => &["::ffff:10.9.9.9"],
        _ => &[],
    };
    all.iter().map(|address| address.parse().expect("an address")).collect()
}

fn around(own: fn() -> Vec<IpAddr>) -> Around {
    Around { now: MOMENT.parse().expect("a moment"), resolve: names, own, known: RefCell::default() }
}

fn own() -> Vec<IpAddr> {
    vec!["10.7.7.7".parse().expect("an address"), "fd12::77".parse().expect("an address")]
}

fn said_to(script: &str, to: &str) -> Result<Option<String>, ScriptWhy> {
    run(script, &Url::parse(to).expect("an address"), around(own))
}

fn said(script: &str) -> Result<Option<String>, ScriptWhy> {
    said_to(script, "https://ana:canary@service.example/mcp?key=canary#canary")
}

/// What an expression amounts to.
fn value(expression: &str) -> String {
    let script = format!("function FindProxyForURL(url, host) {{ return String({expression}) }}");
    said(&script).unwrap_or_else(|why| panic!("{expression}: {why:?}")).expect("a text")
}

#[rstest]
#[case("isPlainHostName('www')", "true")]
#[case("isPlainHostName('www.example')", "false")]
#[case("isPlainHostName('fd12::1')", "false")]
#[case("dnsDomainIs('www.example', '.example')", "true")]
#[case("dnsDomainIs('www', '.example')", "false")]
#[case("dnsDomainIs('ample', '.example')", "false")]
#[case("localHostOrDomainIs('www.home.example', 'www.home.example')", "true")]
#[case("localHostOrDomainIs('www', 'www.home.example')", "true")]
#[case("localHostOrDomainIs('ww', 'www.home.example')", "false")]
#[case("localHostOrDomainIs('home.home.example', 'www.home.example')", "false")]
#[case("localHostOrDomainIs('', 'www')", "false")]
#[case("isResolvable('intra.example')", "true")]
#[case("isResolvable('nobody.example')", "false")]
#[case("isResolvable('new.example')", "false")]
#[case("isResolvableEx('new.example')", "true")]
#[case("isInNet('10.1.2.3', '10.0.0.0', '255.0.0.0')", "true")]
#[case("isInNet('11.1.2.3', '10.0.0.0', '255.0.0.0')", "false")]
#[case("isInNet('intra.example', '10.1.2.99', '255.255.255.0')", "true")]
#[case("isInNet('nobody.example', '0.0.0.0', '0.0.0.0')", "false")]
#[case("isInNet('010.001.2.3', '10.0.0.0', '255.0.0.0')", "true")]
#[case("isInNet('10.1.2.3', '10.0.0', '255.0.0.0')", "false")]
#[case("isInNet('10.1.2.300', '10.0.0.0', '255.0.0.0')", "false")]
#[case("isInNet('10.1.2.3')", "false")]
#[case("dnsResolve('intra.example')", "10.1.2.3")]
#[case("dnsResolve('mapped.example')", "10.9.9.9")]
#[case("dnsResolve('192.0.2.7')", "192.0.2.7")]
#[case("dnsResolve('nobody.example')", "null")]
#[case("dnsResolveEx('intra.example')", "fd12::7;10.1.2.3;10.1.2.4")]
#[case("dnsResolveEx('nobody.example')", "")]
#[case("isInNetEx('intra.example', 'fd12::/16')", "true")]
#[case("isInNetEx('10.1.2.3', '10.0.0.0/8')", "true")]
#[case("isInNetEx('[fd12::9]', 'fd12::/128')", "false")]
#[case("isInNetEx('10.1.2.3', '10.0.0.0/33')", "false")]
#[case("isInNetEx('10.1.2.3', '10.0.0.0')", "false")]
#[case("convert_addr('104.16.41.2')", "1745889538")]
#[case("convertAddr('192.168.0.1')", "-1062731775")]
#[case("convertAddr('nonsense')", "0")]
#[case("myIpAddress()", "10.7.7.7")]
#[case("myIpAddressEx()", "10.7.7.7;fd12::77")]
#[case("dnsDomainLevels('www')", "0")]
#[case("dnsDomainLevels('developer.home.example')", "2")]
#[case("shExpMatch('http://home.example/people/ari/index.html', '*/ari/*')", "true")]
#[case("shExpMatch('http://home.example/people/montulli/index.html', '*/ari/*')", "false")]
#[case("shExpMatch('a.b', 'a?b')", "true")]
#[case("shExpMatch('axb', 'a.b')", "false")]
#[case("shExpMatch('abc', 'ab')", "false")]
#[case("shExpMatch('', '*')", "true")]
#[case("shExpMatch('a[b', 'a[b')", "true")]
#[case("shExpMatch('a'.repeat(5000), '*a'.repeat(500) + 'b')", "false")]
#[case("alert('canary')", "undefined")]
#[case("dnsDomainIs()", "true")]
#[case("shExpMatch(127, 12 + '*')", "true")]
fn the_functions_say_what_is_documented(#[case] expression: &str, #[case] wanted: &str) {
    assert_eq!(value(expression), wanted);
}

#[rstest]
#[case("weekdayRange('WED')", true)]
#[case("weekdayRange('wed')", true)]
#[case("weekdayRange('MON', 'FRI')", true)]
#[case("weekdayRange('THU', 'TUE')", false)]
#[case("weekdayRange('SAT', 'WED')", true)]
#[case("weekdayRange('WED', 'GMT')", true)]
#[case("weekdayRange('TODAY')", false)]
#[case("weekdayRange()", false)]
#[case("dateRange(24)", true)]
#[case("dateRange(24, 'GMT')", true)]
#[case("dateRange(23)", false)]
#[case("dateRange('JUN')", true)]
#[case("dateRange(2026)", true)]
#[case("dateRange(1, 24)", true)]
#[case("dateRange(25, 23)", false)]
#[case("dateRange(28, 24)", true)]
#[case("dateRange('JAN', 'MAR')", false)]
#[case("dateRange('NOV', 'JUN')", true)]
#[case("dateRange(1995, 2026)", true)]
#[case("dateRange(2027, 2026)", false)]
#[case("dateRange(24, 'JUN')", true)]
#[case("dateRange(1, 'JUN', 15, 'AUG')", true)]
#[case("dateRange(25, 'JUN', 15, 'AUG')", false)]
#[case("dateRange(1, 'DEC', 24, 'JUN')", true)]
#[case("dateRange(1, 'JUN', 1995, 15, 'AUG', 1995)", false)]
#[case("dateRange('OCT', 2025, 'JUN', 2026)", true)]
#[case("dateRange(30, 'MAY', 2026, 1, 'JUL', 2026)", true)]
#[case("dateRange(1, 2, 3)", false)]
#[case("dateRange(0)", false)]
#[case("dateRange()", false)]
#[case("timeRange(11)", true)]
#[case("timeRange(9, 'GMT')", true)]
#[case("timeRange(12)", false)]
#[case("timeRange(11, 12)", true)]
#[case("timeRange(12, 13)", false)]
#[case("timeRange(9, 11)", false)]
#[case("timeRange(22, 12)", true)]
#[case("timeRange(12, 11)", false)]
#[case("timeRange(8, 30, 17, 0)", true)]
#[case("timeRange(11, 59, 17, 0)", false)]
#[case("timeRange(11, 58, 30, 11, 58, 30)", true)]
#[case("timeRange(11, 58, 31, 11, 58, 40)", false)]
#[case("timeRange(9, 58, 0, 9, 59, 0, 'GMT')", true)]
#[case("timeRange(1, 2, 3)", false)]
#[case("timeRange(8, 99, 17, 0)", false)]
#[case("timeRange('noon')", false)]
fn the_clock_says_what_is_documented(#[case] expression: &str, #[case] wanted: bool) {
    assert_eq!(value(expression), wanted.to_string());
}

#[test]
fn in_no_network_this_computers_address_is_its_own() {
    let script = "function FindProxyForURL() { return myIpAddress() + ' ' + myIpAddressEx() }";
    let nowhere = around(Vec::new);
    let to = Url::parse("https://service.example/").expect("an address");
    assert_eq!(run(script, &to, nowhere), Ok(Some("127.0.0.1 ".to_owned())));
}

#[test]
fn a_script_is_told_the_host_and_the_port_and_nothing_more() {
    let told = |to: &str| said_to("function FindProxyForURL(url, host) { return url + ' ' + host }", to).expect("told");
    let private = "https://ana:canary@service.example/mcp?key=canary#canary";
    assert_eq!(told(private).as_deref(), Some("https://service.example/ service.example"));
    assert_eq!(
        told("https://service.example:8443/x").as_deref(),
        Some("https://service.example:8443/ service.example")
    );
    assert_eq!(told("https://[fd12::1]/x").as_deref(), Some("https://[fd12::1]/ fd12::1"));
}

#[rstest]
#[case::crlf("function FindProxyForURL(url, host)\r\n{\r\n  // all of it\r\n  return \"DIRECT\";\r\n}\r\n")]
#[case::a_constant("const FindProxyForURL = (url, host) => `DIRECT`")]
#[case::loose("proxies = ['DIRECT']; function FindProxyForURL() { with (proxies) { return this.proxies[0] } }")]
#[case::the_other_one("function FindProxyForURLEx(url, host) { return 'DIRECT' }")]
#[case::both("function FindProxyForURLEx() { return 'PROXY a:1' } function FindProxyForURL() { return 'DIRECT' }")]
#[case::its_own_function(
    "function dnsDomainIs() { return 'DIRECT' } function FindProxyForURL() { return dnsDomainIs() }"
)]
#[case::newer_words(
    "class A { static #a = new Map([[1, 'DIRECT']]); static a() { return A.#a?.get(1) } }\
                     function FindProxyForURL() { return A.a() }"
)]
#[case::patterns(
    "function FindProxyForURL(u, h) { return /^SERVICE\\.(.+)$/i.exec(h)[1] === 'example' ? 'DIRECT' : '' }"
)]
fn scripts_are_run_as_they_are_written(#[case] script: &str) {
    assert_eq!(said(script), Ok(Some("DIRECT".to_owned())));
}

#[rstest]
#[case::nothing("", "no FindProxyForURL")]
#[case::a_page("<!doctype html><p>Sign in</p>", "SyntaxError")]
#[case::throws("function FindProxyForURL() { throw new Error('of\\nits own') }", "Error: of its own")]
#[case::throws_oddly("function FindProxyForURL() { throw { toString() { throw 1 } } }", "")]
#[case::unknown("function FindProxyForURL() { return XMLHttpRequest }", "ReferenceError")]
#[case::a_module("import x from 'y'; function FindProxyForURL() { return 'DIRECT' }", "SyntaxError")]
#[case::a_module_later("function FindProxyForURL() { require('fs') }", "ReferenceError")]
#[case::no_function("var FindProxyForURL = 'DIRECT'", "no FindProxyForURL")]
#[case::too_deep("function FindProxyForURL() { return FindProxyForURL() }", "stack")]
#[case::too_deep_a_pattern("function FindProxyForURL() { return new RegExp('('.repeat(1e5)) }", "")]
#[case::too_much("function FindProxyForURL() { var a = 'x'; for (;;) a += a }", "")]
#[case::too_much_at_once("function FindProxyForURL() { return 'x'.repeat(1e9) }", "")]
#[case::too_many("function FindProxyForURL() { var a = []; for (;;) a.push([a]) }", "")]
#[case::a_zero("function FindProxyForURL() { return 'DIRECT' }\0", "")]
#[case::half_a_letter("function FindProxyForURL() { return '\\ud800' }", "")]
fn what_is_broken_is_told_with_what_it_fails_with(#[case] script: &str, #[case] words: &str) {
    match said(script) {
        Err(ScriptWhy::Broken(said)) => {
            assert!(said.contains(words) && said.len() < 400 && !said.contains('\n'), "{said}");
        }
        other => panic!("{other:?}"),
    }
}

#[rstest]
#[case::a_number("return 7", "int")]
#[case::undefined("return", "undefined")]
#[case::a_thing("return { toString: function () { return 'DIRECT' } }", "object")]
#[case::yes("return true", "bool")]
fn what_is_no_text_names_nothing(#[case] body: &str, #[case] kind: &str) {
    let script = format!("function FindProxyForURL() {{ {body} }}");
    assert_eq!(said(&script), Err(ScriptWhy::NamesNothing(kind.to_owned())));
}

#[test]
fn null_is_nothing_said() {
    assert_eq!(said("function FindProxyForURL() { return null }"), Ok(None));
}

/// A promise is nothing that a browser would wait for.
#[test]
fn what_is_promised_names_nothing() {
    let script = "async function FindProxyForURL() { await null; return 'DIRECT' }";
    assert!(matches!(said(script), Err(ScriptWhy::NamesNothing(_))), "{:?}", said(script));
}

#[rstest]
#[case::for_ever("function FindProxyForURL() { for (;;); }")]
#[case::before_it_is_asked("while (true) {}")]
#[case::while_nobody_looks("function FindProxyForURL() { try { for (;;); } finally { for (;;); } }")]
#[case::in_a_pattern("function FindProxyForURL() { return /^(a+)+$/.test('a'.repeat(60) + '!') }")]
#[case::in_a_text("function FindProxyForURL() { return dnsDomainIs({ toString() { for (;;); } }) }")]
fn what_does_not_end_is_ended(#[case] script: &str) {
    let begun = Instant::now();
    assert_eq!(said(script), Err(ScriptWhy::Slow));
    assert!(begun.elapsed() < MOST_TIME * 3, "{:?}", begun.elapsed());
}

/// What one run leaves behind is gone in the next.
#[test]
fn runs_know_nothing_of_each_other() {
    let script = "var n = 0; Array.prototype.left = 0; function FindProxyForURL() { return String(++n + [].left++) }";
    assert_eq!(said(script), Ok(Some("1".to_owned())));
    assert_eq!(said(script), Ok(Some("1".to_owned())));
}

/// Where its way leads nowhere it is asked again, though not at once: another network may have another way.
#[tokio::test]
async fn what_led_nowhere_is_asked_again() {
    let address = "data:,function FindProxyForURL() { return 'PROXY a.example:1' }";
    let script = Script { address: Address::of(address), certificates: Vec::new() };
    let to = Url::parse("https://doubted.example/x").expect("an address");
    let is_doubted = || memory().said.iter().any(|said| said.script == script && said.doubted);
    let age = || memory().said.iter_mut().filter(|said| said.script == script).for_each(|said| said.at -= YOUNG * 2);
    assert_eq!(told(&script, &to), None);
    bring_engine();
    ask(&script, &Network::default(), &to).await;
    let way = told(&script, &to).expect("it was asked").expect("a way").expect("a proxy");
    assert_eq!((way.origin().as_str(), way.is_by_script()), ("http://a.example:1", true));
    doubt(&script, &to);
    assert!(!is_doubted(), "it has only just said so");
    age();
    doubt(&script, &to);
    assert!(is_doubted());
    ask(&script, &Network::default(), &to).await;
    assert!(!is_doubted() && told(&script, &to).is_some(), "it was asked again");
}

#[test]
fn what_may_be_private_in_an_address_is_not_shown() {
    let shown = |text: &str| Address::of(text).map(|address| (address.told(), format!("{address:?}")));
    for private in [" http://ana:canary@wpad.example/proxy.pac?user=canary#canary ", "data:,canary"] {
        let (told, debug) = shown(private).expect("an address");
        assert!(!told.contains("canary") && !debug.contains("canary"), "{told} {debug}");
    }
    assert_eq!(shown("file:///etc/proxy.pac").expect("an address").0, "file:///etc/proxy.pac");
    assert_eq!(shown(" \t"), None);
}
