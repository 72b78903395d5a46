//! What happens to the computer, from one look at the clock to the next: sleep, and the network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// More than this beyond the usual time between two looks: the computer slept, or its clock was set.
const SLEPT: Duration = Duration::from_secs(45);

/// From which addresses this computer would speak to the world; another pair is another network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    v4: Option<Ipv4Addr>,
    /// Its network half: the other half changes by itself, to keep the user from being followed.
    v6: Option<[u16; 4]>,
}

impl Network {
    /// A network by this computer's addresses in it; none where there is no address.
    pub fn of(v4: Option<Ipv4Addr>, v6: Option<Ipv6Addr>) -> Option<Self> {
        let half = |address: Ipv6Addr| {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d]
        };
        (v4.is_some() || v6.is_some()).then(|| Self { v4, v6: v6.map(half) })
    }
}

/// The network as it is now, none where there is no way out. Nothing is sent: the system is only asked which way it
/// would take to addresses that are nobody's (RFC 5737, RFC 3849).
pub fn network_now() -> Option<Network> {
    let v4 = local_address((Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv4Addr::new(192, 0, 2, 1), 9).into());
    let nobody = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let v6 = local_address((Ipv6Addr::UNSPECIFIED, 0).into(), (nobody, 9).into());
    let v4 = v4.and_then(|address| if let IpAddr::V4(v4) = address { Some(v4) } else { None });
    let v6 = v6.and_then(|address| if let IpAddr::V6(v6) = address { Some(v6) } else { None });
    Network::of(v4, v6)
}

fn local_address(from: SocketAddr, to: SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(from).ok()?;
    socket.connect(to).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified() && !own.is_loopback()).then_some(own)
}

/// What the system told by itself since the last look.
#[derive(Debug, Default)]
pub struct Heard {
    /// It woke up.
    pub woke: AtomicBool,
    /// Its network changed.
    pub network: AtomicBool,
}

/// What happened since the last look at the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensed {
    /// When the looking began.
    pub began: Timestamp,
    /// The computer woke up.
    pub woke: bool,
    /// The network is another one, or came back.
    pub changed: bool,
    /// There is a network.
    pub online: bool,
}

/// What was seen at the last look.
#[derive(Debug)]
pub struct Senses {
    began: Timestamp,
    every: Duration,
    looked: Option<Timestamp>,
    /// The network at the last look, and the last one that there was.
    network: Option<Network>,
    last: Option<Network>,
    heard: Arc<Heard>,
}

impl Senses {
    /// From now on, for looks at the clock that are so far apart, with what the system tells by itself.
    pub fn new(now: Timestamp, every: Duration, heard: Arc<Heard>) -> Self {
        Self { began: now, every, looked: None, network: None, last: None, heard }
    }

    /// One look; the first finds nothing changed.
    pub fn look(&mut self, now: Timestamp, network: Option<Network>) -> Sensed {
        let (told_woke, told_network) =
            (self.heard.woke.swap(false, Ordering::Relaxed), self.heard.network.swap(false, Ordering::Relaxed));
        let first = self.looked.is_none();
        let longest = SignedDuration::try_from(self.every + SLEPT).unwrap_or(SignedDuration::MAX);
        let slept = self.looked.is_some_and(|before| now.duration_since(before) > longest);
        let came_back = self.network.is_none() && network.is_some();
        let other = network.is_some() && self.last.is_some() && network != self.last;
        self.looked = Some(now);
        self.network = network;
        self.last = network.or(self.last);
        Sensed {
            began: self.began,
            woke: slept || told_woke,
            changed: network.is_some() && !first && (came_back || other || told_network),
            online: network.is_some(),
        }
    }
}
