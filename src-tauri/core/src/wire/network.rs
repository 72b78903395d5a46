//! How a service is reached: through which proxy, and whom besides the system's own authorities to trust.

/// The way through the network. The default is the system's: its proxy and its trust store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {}
