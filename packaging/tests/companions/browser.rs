//! A *browser*: Chromium without a screen, driven through chromedriver (w3.org/TR/webdriver2), which also passes on
//! commands of Chromium's own (chromedevtools.github.io/devtools-protocol).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

use crate::is_there;

/// A browser that has nothing but what a new user of it has. Dropped, it is gone.
pub struct Browser {
    driver: Child,
    agent: Agent,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// A browser, if there is one.
    pub fn start() -> Option<Self> {
        let driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn();
        is_there("chromedriver", driver.is_ok()).then(|| Self::of(driver.unwrap()))
    }

    fn of(mut driver: Child) -> Self {
        // "ChromeDriver was started successfully on port 40000."
        let said = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said = said
            .filter(|line| line.contains("success"))
            .find_map(|line| line.trim_end_matches('.').rsplit(' ').next()?.parse::<u16>().ok());
        let port = said.unwrap();
        let config = Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent: Agent = config.timeout_global(Some(Duration::from_secs(60))).build().into();
        let profile = tempfile::tempdir().unwrap();
        let mut browser =
            Self { driver, agent, session: format!("http://127.0.0.1:{port}/session"), _profile: profile };
        let profile = format!("--user-data-dir={}", browser._profile.path().display());
        let options = [
            "--headless",
            "--no-sandbox", // root may not have one
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            &profile,
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": options},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let session = browser.post("", &wanted)["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/{session}", browser.session);
        browser
    }

    fn post(&self, path: &str, what: &Value) -> Value {
        let mut answer = self.agent.post(format!("{}{path}", self.session)).send_json(what).unwrap();
        let status = answer.status();
        let said: Value = answer.body_mut().with_config().limit(64 << 20).read_json().unwrap();
        assert!(status.is_success(), "{path}: {}", said["value"]["message"]);
        said["value"].clone()
    }

    pub fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// A command of Chromium's own.
    pub fn command(&self, name: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({"cmd": name, "params": parameters}))
    }

    /// What a script gives that is run in the page; a promise is waited for.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Clicks, as a person does, on the first element of a selector, once it is shown.
    pub fn click(&self, selector: &str) {
        let shown = "return new Promise(done => setInterval(() => \
            document.querySelector(SELECTOR).checkVisibility() && done(), 5))";
        self.run(&shown.replace("SELECTOR", &json!(selector).to_string()));
        let found = self.post("/element", &json!({"using": "css selector", "value": selector}));
        let id = found.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        self.post(&format!("/element/{id}/click"), &json!({}));
    }

    /// The messages of one of its logs since it was asked last.
    pub fn log(&self, name: &str) -> Vec<String> {
        let entries = self.post("/se/log", &json!({"type": name}));
        entries.as_array().unwrap().iter().map(|entry| entry["message"].as_str().unwrap().into()).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its end is that of the browser.
        let _gone = self.agent.delete(&self.session).call();
        let _ended = self.driver.kill();
        let _reaped = self.driver.wait();
    }
}
