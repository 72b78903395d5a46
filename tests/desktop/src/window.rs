//! The real window, driven by `WebDriver`.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;

use crate::session::Session;

const PATIENCE: Duration = Duration::from_secs(20);

/// The window.
pub(crate) struct Window(Client);

impl Window {
    /// Starts the program under test in a session.
    pub(crate) async fn open(session: &mut Session) -> Result<Self> {
        let driver = std::env::var("PATCHBAY_TAURI_DRIVER").unwrap_or_else(|_| "tauri-driver".to_owned());
        let (port, native) = (free_port()?, free_port()?);
        let mut command = session.command(&driver);
        command.args(["--port", &port.to_string(), "--native-port", &native.to_string()]);
        let child = command.spawn().context("tauri-driver")?;
        session.keep(child);
        let program = std::env::current_dir()?.join("target/debug/patchbay-app");
        let wanted = json!({ "browserName": "wry", "tauri:options": { "application": program } });
        let wanted = wanted.as_object().cloned().unwrap_or_default();
        let begun = Instant::now();
        loop {
            let opened = ClientBuilder::new(HttpConnector::new())
                .capabilities(wanted.clone())
                .connect(&format!("http://127.0.0.1:{port}"))
                .await;
            match opened {
                Ok(client) => return Ok(Self(client)),
                Err(error) if begun.elapsed() > PATIENCE => return Err(error).context("the window did not open"),
                Err(_) => tokio::time::sleep(Duration::from_millis(300)).await,
            }
        }
    }

    /// Waits for an element by its test id.
    pub(crate) async fn find(&self, id: &str) -> Result<Element> {
        self.find_css(&format!("[data-testid=\"{id}\"]")).await
    }

    /// Waits for an element by a selector.
    pub(crate) async fn find_css(&self, selector: &str) -> Result<Element> {
        self.0
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(selector))
            .await
            .with_context(|| format!("{selector} is not there"))
    }

    /// Whether an element is there now.
    pub(crate) async fn has(&self, id: &str) -> bool {
        self.0.find(Locator::Css(&format!("[data-testid=\"{id}\"]"))).await.is_ok()
    }

    /// Waits until an element is there no more.
    pub(crate) async fn gone(&self, id: &str) -> Result<()> {
        let begun = Instant::now();
        while self.has(id).await {
            if begun.elapsed() > PATIENCE {
                bail!("{id} is still there: {}", self.troubles().await)
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Clicks as soon as the element can be clicked.
    pub(crate) async fn click(&self, id: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let element = self.find(id).await?;
            if element.is_enabled().await.unwrap_or(false) && element.click().await.is_ok() {
                return Ok(());
            }
            // Something lies over it, like a message that goes by itself: the keyboard reaches it all the same.
            if begun.elapsed() > PATIENCE / 4 && element.send_keys("\u{e007}").await.is_ok() {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{id} cannot be clicked");
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// Clicks what a selector finds, as soon as it can be clicked.
    pub(crate) async fn click_css(&self, selector: &str) -> Result<()> {
        self.find_css(selector).await?.click().await.with_context(|| format!("{selector} cannot be clicked"))
    }

    /// Waits until an element's text has these words in it.
    pub(crate) async fn says(&self, id: &str, words: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let text = self.find(id).await?.text().await.unwrap_or_default();
            if text.contains(words) {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!("{id} says {text:?}: {}", self.troubles().await)
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Chooses an app in the wizard.
    pub(crate) async fn choose(&self, client: &str) -> Result<()> {
        let choice = self.find(&format!("app-choice-{client}")).await?;
        if !choice.is_selected().await? {
            choice.click().await?;
        }
        Ok(())
    }

    /// Goes on and waits until the wizard is a step further. Where the mouse misses, the keyboard is used.
    pub(crate) async fn go_on(&self, from: &str) -> Result<()> {
        for round in 0..5 {
            if round == 0 {
                self.click("wizard-next").await?;
            } else if self.has("wizard-next").await {
                self.press_enter("wizard-next").await?;
            }
            for _ in 0..20 {
                if self.step().await? != from {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        bail!("the wizard stays at {from}: {}", self.troubles().await)
    }

    /// Collects what goes wrong in the page from now on.
    pub(crate) async fn collect_errors(&self) -> Result<()> {
        const SCRIPT: &str = "window.troubles = []; \
            addEventListener('error', (event) => troubles.push(String(event.message))); \
            addEventListener('unhandledrejection', (event) => troubles.push(String(event.reason?.stack ?? event.reason)));";
        self.0.execute(SCRIPT, Vec::new()).await?;
        Ok(())
    }

    /// From now on the page gives the user one second in the browser, where it would give five minutes; or as before.
    pub(crate) async fn hurry(&self, on: bool) -> Result<()> {
        const SCRIPT: &str = "const plain = window.plainly ??= JSON.stringify; const [on] = arguments; \
            JSON.stringify = !on ? plain : (value, ...more) => { \
                if (value?.request?.with) value.request.with.seconds = 1; return plain(value, ...more); };";
        self.0.execute(SCRIPT, vec![json!(on)]).await?;
        Ok(())
    }

    /// What went wrong in the page, and what it shows.
    pub(crate) async fn troubles(&self) -> String {
        const SCRIPT: &str =
            "return JSON.stringify({ troubles: window.troubles, text: document.body.innerText.slice(0, 2000) })";
        self.0.execute(SCRIPT, Vec::new()).await.map(|value| value.to_string()).unwrap_or_default()
    }

    /// Presses Enter on a button.
    pub(crate) async fn press_enter(&self, id: &str) -> Result<()> {
        self.find(id).await?.send_keys("\u{e007}").await.with_context(|| format!("{id} takes no keys"))
    }

    /// Types into a field.
    pub(crate) async fn type_into(&self, id: &str, text: &str) -> Result<()> {
        let field = self.find(id).await?;
        field.clear().await?;
        field.send_keys(text).await.with_context(|| format!("{id} takes no keys"))
    }

    /// Presses a key together with Control, as who copies and pastes does.
    pub(crate) async fn press(&self, id: &str, key: &str) -> Result<()> {
        let keys = format!("\u{e009}{key}\u{e000}");
        self.find(id).await?.send_keys(&keys).await.with_context(|| format!("{id} takes no keys"))
    }

    /// Waits until an element's attribute has a value.
    pub(crate) async fn until(&self, id: &str, attribute: &str, value: &str) -> Result<Duration> {
        let begun = Instant::now();
        let mut last = None;
        while begun.elapsed() < PATIENCE {
            if let Ok(element) = self.0.find(Locator::Css(&format!("[data-testid=\"{id}\"]"))).await {
                last = element.attr(attribute).await.ok().flatten();
                if last.as_deref() == Some(value) {
                    return Ok(begun.elapsed());
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bail!("{id}: {attribute} is {last:?} and not {value}")
    }

    /// The present step of the wizard.
    pub(crate) async fn step(&self) -> Result<String> {
        Ok(self.find("wizard").await?.attr("data-step").await?.unwrap_or_default())
    }

    /// Closes the window for good.
    pub(crate) async fn close(self) -> Result<()> {
        self.0.close().await.context("the window did not close")
    }
}

fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
