use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use patchbay_core::quiet::{Heard, listen};
use zbus::blocking::connection::Builder;
use zbus::zvariant::Value;

use crate::keychain::Bus;

const MANAGER: &str = "org.freedesktop.NetworkManager";

fn comes(flag: &AtomicBool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        if flag.swap(false, Ordering::Relaxed) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

#[test]
fn waking_up_and_another_way_out_are_heard_on_the_systems_bus_and_nothing_else_is() {
    let bus = Bus::start();
    let own = Builder::address(bus.address.as_str()).expect("an address").build().expect("on the bus");
    let heard = Arc::new(Heard::default());
    listen(&own, &heard).expect("it listens");
    let system = |name: &str| {
        let builder = Builder::address(bus.address.as_str()).expect("an address");
        builder.name(name.to_owned()).expect("a name").build().expect("on the bus")
    };
    let (login, network, stranger) =
        (system("org.freedesktop.login1"), system(MANAGER), system("com.example.Stranger"));
    let sleeps = |from: &zbus::blocking::Connection, goes: bool| {
        let (path, interface) = ("/org/freedesktop/login1", "org.freedesktop.login1.Manager");
        from.emit_signal(None::<&str>, path, interface, "PrepareForSleep", &goes).expect("told");
    };
    let changes = |interface: &str, property: &str| {
        let values = HashMap::from([(property, Value::from("/a/b"))]);
        let body = (interface, values, Vec::<String>::new());
        let properties = "org.freedesktop.DBus.Properties";
        network
            .emit_signal(None::<&str>, "/org/freedesktop/NetworkManager", properties, "PropertiesChanged", &body)
            .expect("told");
    };
    sleeps(&login, true);
    sleeps(&stranger, false);
    changes(MANAGER, "Metered");
    changes("org.freedesktop.NetworkManager.Settings", "PrimaryConnection");
    changes(MANAGER, "PrimaryConnection");
    assert!(comes(&heard.network));
    assert!(!heard.woke.load(Ordering::Relaxed), "going to sleep is no waking up, and a stranger is nobody");
    assert!(!heard.network.load(Ordering::Relaxed));
    sleeps(&login, false);
    assert!(comes(&heard.woke));
}
