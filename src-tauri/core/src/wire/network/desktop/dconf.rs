//! What GNOME and the desktops of its kind have set: the keys below `/system/proxy` in dconf's databases.
//!
//! Which databases count, and in which order, stands in a profile; without one it is the user's alone. A key that a
//! database further down locks is not the user's to set.

use std::path::{Path, PathBuf};

use super::gvdb::{Table, Value};
use super::{Desktop, ProxyNote, Set, Unread, read};
use crate::host::Host;
use crate::secret::Secret;
use crate::wire::network::{Except, Proxy};

/// A profile names no more databases than this.
const MOST_DATABASES: usize = 16;

/// What is set there.
///
/// # Errors
/// The first database that is there and cannot be read, where the others name nothing.
pub(super) fn desktop(host: &Host) -> Result<Desktop, Unread> {
    let mut files = Vec::new();
    let mut unread = None;
    for path in databases(host) {
        match read(&path) {
            Ok(Some(bytes)) if Table::first(&bytes).is_some() => files.push(bytes),
            // dconf empties a database in whose place it writes another.
            Ok(Some(bytes)) if bytes.is_empty() => {}
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => unread = unread.or(Some(Unread(path))),
        }
    }
    let settings = Settings(files.iter().filter_map(|bytes| Table::first(bytes)).collect());
    match (settings.desktop(), unread) {
        (Desktop::Nothing, Some(unread)) => Err(unread),
        (desktop, _) => Ok(desktop),
    }
}

/// The databases that count, the first one before the others.
fn databases(host: &Host) -> Vec<PathBuf> {
    let user = |name: &str| host.config_dir().join("dconf").join(name);
    let profile = match host.var("DCONF_PROFILE") {
        Some(path) if path.starts_with('/') => PathBuf::from(path),
        Some(name) => Path::new("/etc/dconf/profile").join(name),
        None => PathBuf::from("/etc/dconf/profile/user"),
    };
    let Ok(Some(profile)) = read(&profile) else { return vec![user("user")] };
    let database = |line: &str| {
        let (kind, name) = line.split('#').next()?.trim().split_once(':')?;
        let is_plain = !name.is_empty() && !name.contains(['/', '\0']) && name != "..";
        match kind {
            "user-db" if is_plain => Some(user(name)),
            "system-db" if is_plain => Some(Path::new("/etc/dconf/db").join(name)),
            "file-db" if name.starts_with('/') => Some(PathBuf::from(name)),
            _ => None,
        }
    };
    String::from_utf8_lossy(&profile).lines().filter_map(database).take(MOST_DATABASES).collect()
}

/// The databases' settings of proxies.
struct Settings<'a>(Vec<Table<'a>>);

impl Settings<'_> {
    fn get<T>(&self, key: &str, read: impl Fn(Value<'_>) -> Option<T>) -> Option<T> {
        let name = format!("/system/proxy/{key}");
        let locks = |table: &Table<'_>| table.table(".locks").is_some_and(|locks| locks.value(&name).is_some());
        let from = self.0.iter().rposition(locks).unwrap_or(0);
        self.0[from..].iter().find_map(|table| table.value(&name)).and_then(read)
    }

    fn text(&self, key: &str) -> Option<String> {
        let text = self.get(key, |value| value.text())?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn desktop(&self) -> Desktop {
        match self.text("mode").as_deref() {
            Some("auto") => Desktop::script(self.text("autoconfig-url").as_deref()),
            Some("manual") => match self.proxy() {
                Some(proxy) => self.with_exceptions(proxy),
                None if self.text("https/host").or(self.text("socks/host")).is_some() => {
                    Desktop::Noted(ProxyNote::Unfit)
                }
                None => Desktop::Nothing,
            },
            _ => Desktop::Nothing,
        }
    }

    fn with_exceptions(&self, proxy: Proxy) -> Desktop {
        let ignored = self.get("ignore-hosts", |value| value.texts()).unwrap_or_default();
        Desktop::Set(Box::new(Set { proxy, except: Except::lenient(&ignored.join(",")), reversed: false }))
    }

    /// The proxy for https; that for http is one for all, unless it is said that it is not.
    fn proxy(&self) -> Option<Proxy> {
        let of_http = || self.named("http", "http").map(|proxy| self.signed_in(proxy));
        let for_all = self.get("use-same-proxy", |value| value.is_true()).unwrap_or(true);
        let own = self.named("https", "http").or_else(|| self.named("socks", "socks"));
        own.or_else(|| for_all.then(of_http).flatten())
    }

    fn named(&self, kind: &str, scheme: &str) -> Option<Proxy> {
        // Some write the whole address there.
        let host = self.text(&format!("{kind}/host"))?;
        let host = host.rsplit("://").next().unwrap_or_default().trim_end_matches('/');
        let is_bare_ip6 = host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_ok();
        let host = if is_bare_ip6 { format!("[{host}]") } else { host.to_owned() };
        let port = self.get(&format!("{kind}/port"), |value| value.number()).filter(|port| *port != 0);
        // Without a port the schema's own counts: for http alone there is one.
        let port = port.or((kind == "http").then_some(8080));
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Proxy::named(&format!("{scheme}://{host}{port}"))
    }

    fn signed_in(&self, proxy: Proxy) -> Proxy {
        let is_wanted = self.get("http/use-authentication", |value| value.is_true()).unwrap_or(false);
        match self.text("http/authentication-user").filter(|_| is_wanted) {
            Some(user) => proxy.with_sign_in(&user, self.text("http/authentication-password").map(Secret::new)),
            None => proxy,
        }
    }
}
