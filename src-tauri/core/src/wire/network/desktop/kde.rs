//! What KDE has set: the group `Proxy Settings` of `kioslaverc`, the user's before the system's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Desktop, ProxyNote, Set, Unread, read};
use crate::host::Host;
use crate::wire::network::{Except, Proxy};

/// What is set there.
///
/// # Errors
/// The user's file is there and cannot be read.
pub(super) fn desktop(host: &Host) -> Result<Desktop, Unread> {
    let mut settings = BTreeMap::new();
    let mut unread = None;
    for path in files(host) {
        match read(&path).map(|bytes| bytes.map(String::from_utf8)) {
            Ok(Some(Ok(text))) => settings.extend(group(&text)),
            Ok(None) => {}
            Ok(Some(Err(_))) | Err(_) => unread = Some(Unread(path)),
        }
    }
    match (of(&settings), unread) {
        (Desktop::Nothing, Some(unread)) => Err(unread),
        (desktop, _) => Ok(desktop),
    }
}

/// The files that count, the last one before the others.
fn files(host: &Host) -> Vec<PathBuf> {
    let system = host.var("XDG_CONFIG_DIRS").unwrap_or("/etc/xdg").split(':').rev().take(8);
    let system = system.filter(|folder| folder.starts_with('/')).map(PathBuf::from);
    system.chain([host.config_dir()]).map(|folder| folder.join("kioslaverc")).collect()
}

/// The settings of proxies in a file; what stands in brackets behind a name is how it is to be read.
fn group(text: &str) -> impl Iterator<Item = (String, String)> {
    let mut is_ours = false;
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with('[') {
            is_ours = line == "[Proxy Settings]";
            return None;
        }
        let (name, value) = line.split_once('=').filter(|_| is_ours)?;
        let name = name.split('[').next().unwrap_or_default().trim();
        Some((name.to_owned(), value.trim().to_owned()))
    })
}

fn of(settings: &BTreeMap<String, String>) -> Desktop {
    let get = |name: &str| settings.get(name).filter(|text| !text.is_empty());
    match get("ProxyType").map(String::as_str) {
        Some("1") => {
            let named = |name: &str| Proxy::named(&get(name)?.replace(' ', ":"));
            let Some(proxy) = named("httpsProxy").or_else(|| named("socksProxy")) else {
                let is_any = get("httpsProxy").or(get("socksProxy")).is_some();
                return if is_any { Desktop::Noted(ProxyNote::Unfit) } else { Desktop::Nothing };
            };
            let except = get("NoProxyFor").map(|list| Except::lenient(list)).unwrap_or_default();
            let reversed = get("ReversedException").is_some_and(|text| text == "true");
            Desktop::Set(Box::new(Set { proxy, except, reversed }))
        }
        Some("2") => Desktop::script(get("Proxy Config Script").map(String::as_str)),
        Some("3") => Desktop::script(None),
        // With 4 the environment's are meant, which count anyway.
        _ => Desktop::Nothing,
    }
}
