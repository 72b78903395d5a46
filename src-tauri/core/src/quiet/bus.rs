//! What Linux tells by itself on the system's bus: that it woke up (logind), that its network is another one
//! (`NetworkManager`). Where nobody tells, the looks at the clock find out.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use zbus::MatchRule;
use zbus::blocking::{Connection, MessageIterator, fdo::DBusProxy};
use zbus::message::{Message, Type};
use zbus::zvariant::Value;

use super::Heard;

const MANAGER: &str = "org.freedesktop.NetworkManager";
const LOGIN: &str = "org.freedesktop.login1.Manager";

/// Listens on a thread of its own, which sleeps until something is told; ends with the bus.
///
/// # Errors
/// There is no such bus, or it refuses to tell.
pub fn listen(bus: &Connection, heard: &Arc<Heard>) -> zbus::Result<()> {
    let proxy = DBusProxy::new(bus)?;
    for rule in rules()? {
        proxy.add_match_rule(rule)?;
    }
    let (messages, heard) = (MessageIterator::from(bus), heard.clone());
    std::thread::Builder::new()
        .name("system-bus".to_owned())
        .spawn(move || messages.filter_map(Result::ok).for_each(|message| take(&message, &heard)))
        .map(drop)
        .map_err(|error| zbus::Error::InputOutput(Arc::new(error)))
}

fn rules() -> zbus::Result<[MatchRule<'static>; 2]> {
    let sleep = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.login1")?
        .interface(LOGIN)?
        .member("PrepareForSleep")?
        .build();
    let network = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(MANAGER)?
        .path("/org/freedesktop/NetworkManager")?
        .interface("org.freedesktop.DBus.Properties")?
        .member("PropertiesChanged")?
        .build();
    Ok([sleep, network])
}

fn take(message: &Message, heard: &Heard) {
    let header = message.header();
    let of = |interface: &str, member: &str| {
        header.interface().is_some_and(|name| name.as_str() == interface)
            && header.member().is_some_and(|name| name.as_str() == member)
    };
    // Told with "true" before it sleeps and with "false" after.
    if of(LOGIN, "PrepareForSleep") && message.body().deserialize::<bool>().is_ok_and(|sleeps| !sleeps) {
        heard.woke.store(true, Ordering::Relaxed);
    }
    if of("org.freedesktop.DBus.Properties", "PropertiesChanged") && names_primary(message) {
        heard.network.store(true, Ordering::Relaxed);
    }
}

/// Whether the connection that leads out is another one.
fn names_primary(message: &Message) -> bool {
    let body = message.body();
    let changed = body.deserialize::<(String, std::collections::HashMap<String, Value<'_>>, Vec<String>)>();
    changed.is_ok_and(|(interface, values, _)| interface == MANAGER && values.contains_key("PrimaryConnection"))
}
