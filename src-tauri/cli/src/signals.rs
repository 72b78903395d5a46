//! How the system asks the program to go.

/// Ends when the system or the user asks the program to go, by SIGTERM or Ctrl+C.
pub async fn asked_to_go() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
    }
    #[cfg(windows)]
    if tokio::signal::ctrl_c().await.is_ok() {
        return;
    }
    std::future::pending::<()>().await;
}

/// Lets the program live on where the terminal is closed that its app was started in: it ends with its app, which is who
/// its answers are for. Needs a runtime.
pub fn outlive_terminal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // From then on the signal has no other effect, heard or not.
        drop(signal(SignalKind::hangup()));
    }
}

/// Ends when the terminal is closed. Apart from the others: a bridge outlives it.
pub async fn hung_up() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut hang_up) = signal(SignalKind::hangup()) {
            hang_up.recv().await;
            return;
        }
    }
    std::future::pending::<()>().await;
}
