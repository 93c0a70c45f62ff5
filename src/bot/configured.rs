//! Whether the bot is *configured*, by its own rules.
//!
//! They are those of `_is_configured` in `ductor_bot/__main__.py` (0.20): for each transport that is switched
//! on, the keys without which the bot would start its wizard instead of working. Python's idea of truth
//! counts: `0`, `""`, `[]`, `{}` and `null` are as good as missing. Python's reader also takes what is no JSON
//! (`NaN`, half a surrogate pair); here that is malformed. Values are secrets and are never shown.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::effects::file;
use crate::error::{Code, Error, Result};
use crate::home::Home;
use crate::shell::Shell;

/// The bot reads any size; no real configuration has a hundredth of this.
pub(super) const LIMIT: u64 = 1024 * 1024;

/// What the configuration of a home lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// These keys; or all, where there is no file yet.
    Keys(String),
    /// It can't be read, and has what somebody wrote: the wizard would write it anew.
    Sense(String),
}

/// Whether the bot of this home would start.
///
/// # Errors
/// [`Code::Configuration`]: the configuration is missing or can't be read, or keys in it are missing; the
/// error names the file and the keys, and the command that leads on.
pub fn check(home: &Home) -> Result<()> {
    let path = home.config();
    let Some(lack) = lack(home) else { return Ok(()) };
    let (cause, fix) = match lack {
        Lack::Keys(cause) => (cause, "ductor onboarding".into()),
        Lack::Sense(cause) => (cause, Shell::here().edit(&path)),
    };
    let error = Error::new(path.display(), format!("the bot is not configured: {cause}"));
    Err(error.code(Code::Configuration).fix(fix))
}

/// What is lacking before the bot of this home would start.
pub fn lack(home: &Home) -> Option<Lack> {
    let bytes = match file::read_bounded(&home.config(), LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some(Lack::Keys("there is no such file yet".into()));
        }
        Err(error) => return Some(Lack::Sense(error.to_string())),
    };
    match missing(&bytes) {
        Ok(keys) if keys.is_empty() => None,
        Ok(keys) => Some(Lack::Keys(format!("missing: {}", keys.join(", ")))),
        Err(cause) => Some(Lack::Sense(cause)),
    }
}

/// The keys without which the bot does not start, or why nothing in the file counts.
pub(crate) fn missing(bytes: &[u8]) -> Result<Vec<String>, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 (at byte {})", error.valid_up_to()))?;
    let config = Config::read(text)?;
    let mut missing = Vec::new();
    for transport in config.transports()? {
        match transport.as_str() {
            "matrix" => config.matrix(&mut missing)?,
            "slack" => config.slack(&mut missing)?,
            _ => config.telegram(&mut missing)?, // an unknown one too, as the bot has it
        }
    }
    Ok(missing)
}

/// The top-level keys of the file. What the rules do not ask for is not even looked into.
struct Config<'a>(HashMap<String, &'a RawValue>);

impl<'a> Config<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        // serde's own words could quote the file.
        serde_json::from_str(text).map(Self).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => "it is not a JSON object".into(),
            _ => format!("malformed JSON in line {}, column {}", error.line(), error.column()),
        })
    }

    fn get(&self, key: &str) -> Result<Value, String> {
        let value = self.0.get(key).map_or(Ok(Value::Null), |raw| serde_json::from_str(raw.get()));
        value.map_err(|_| format!("malformed value of {key}"))
    }

    /// `_normalized_transport_list`: `transport` comes first and decides; `transports` counts if it is in it.
    fn transports(&self) -> Result<Vec<String>, String> {
        let primary = match self.get("transport")? {
            Value::String(name) if !name.is_empty() => name,
            _ => "telegram".into(),
        };
        let mut transports = vec![primary.clone()];
        if let Value::Array(listed) = self.get("transports")? {
            let listed: Vec<_> =
                listed.iter().filter_map(Value::as_str).filter(|name| !name.is_empty()).collect();
            if listed.contains(&primary.as_str()) {
                transports.extend(listed.into_iter().filter(|name| *name != primary).map(str::to_owned));
            }
        }
        Ok(transports)
    }

    fn telegram(&self, missing: &mut Vec<String>) -> Result<(), String> {
        let token = self.get("telegram_token")?;
        if token.as_str().is_some_and(|token| token.starts_with("YOUR_")) {
            add(missing, "telegram_token (still the placeholder)");
        } else if !is_true(&token) {
            add(missing, "telegram_token");
        }
        if !is_true(&self.get("allowed_user_ids")?) {
            add(missing, "allowed_user_ids");
        }
        Ok(())
    }

    fn matrix(&self, missing: &mut Vec<String>) -> Result<(), String> {
        let matrix = self.get("matrix")?;
        for key in ["homeserver", "user_id"] {
            if !has(&matrix, key) {
                add(missing, &format!("matrix.{key}"));
            }
        }
        Ok(())
    }

    fn slack(&self, missing: &mut Vec<String>) -> Result<(), String> {
        let slack = self.get("slack")?;
        for key in ["bot_token", "app_token"] {
            if !has(&slack, key) {
                add(missing, &format!("slack.{key}"));
            }
        }
        if !has(&slack, "allowed_users") && !has(&slack, "allowed_channels") {
            add(missing, "slack.allowed_users or slack.allowed_channels");
        }
        Ok(())
    }
}

fn add(missing: &mut Vec<String>, key: &str) {
    if !missing.iter().any(|other| other == key) {
        missing.push(key.into());
    }
}

/// Whether `section` is an object with a true value under `key`.
fn has(section: &Value, key: &str) -> bool {
    section.get(key).is_some_and(is_true)
}

/// Python's `bool(value)`.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(config: &str) -> String {
        match missing(config.as_bytes()) {
            Ok(keys) => keys.join(", "),
            Err(cause) => cause,
        }
    }

    #[test]
    fn each_transport_needs_its_keys() {
        let users = r#""allowed_user_ids": [1]"#;
        let slack = r#""slack": {"bot_token": "b", "app_token": "a""#;
        let cases = [
            ("{}", "telegram_token, allowed_user_ids"),
            (r#"{"telegram_token": "1:a", "allowed_user_ids": [1]}"#, ""),
            (r#"{"telegram_token": "1:a", "allowed_user_ids": []}"#, "allowed_user_ids"),
            (
                &format!(r#"{{"telegram_token": "YOUR_BOT_TOKEN", {users}}}"#),
                "telegram_token (still the placeholder)",
            ),
            (
                &format!(r#"{{"telegram_token": "YO\u0055R_X", {users}}}"#),
                "telegram_token (still the placeholder)",
            ),
            (r#"{"transport": "matrix"}"#, "matrix.homeserver, matrix.user_id"),
            (r#"{"transport": "matrix", "matrix": []}"#, "matrix.homeserver, matrix.user_id"),
            (r#"{"transport": "matrix", "matrix": {"homeserver": "https://m", "user_id": "@u:m"}}"#, ""),
            (
                r#"{"transport": "slack"}"#,
                "slack.bot_token, slack.app_token, slack.allowed_users or slack.allowed_channels",
            ),
            (
                &format!(r#"{{"transport": "slack", {slack}}}}}"#),
                "slack.allowed_users or slack.allowed_channels",
            ),
            (&format!(r#"{{"transport": "slack", {slack}, "allowed_channels": ["C1"]}}}}"#), ""),
        ];
        for (config, expected) in cases {
            assert_eq!(verdict(config), expected, "{config}");
        }
    }

    #[test]
    fn the_primary_transport_decides_which_of_the_list_count() {
        let telegram = r#""telegram_token": "1:a", "allowed_user_ids": [1]"#;
        let matrix = "matrix.homeserver, matrix.user_id";
        let cases = [
            // A list without the primary one is stale.
            (r#""transport": "telegram", "transports": ["matrix"]"#, ""),
            (r#""transports": ["matrix"]"#, ""),
            (r#""transport": "telegram", "transports": ["matrix", "telegram"]"#, matrix),
            (r#""transport": "matrix", "transports": ["telegram"]"#, matrix),
            (r#""transport": "", "transports": ["telegram", "matrix", "matrix", "", 7]"#, matrix),
            (r#""transport": 7, "transports": "matrix""#, ""),
            // What the bot does not know it takes for telegram.
            (r#""transport": "discord""#, ""),
        ];
        for (transports, expected) in cases {
            assert_eq!(verdict(&format!("{{{telegram}, {transports}}}")), expected, "{transports}");
        }
    }

    #[test]
    fn truth_is_pythons() {
        let cases = [
            ("null", false),
            ("false", false),
            ("0", false),
            ("-0.0", false),
            ("1e-999", false),
            (r#""""#, false),
            ("[ ]", false),
            ("{ }", false),
            ("true", true),
            ("-1", true),
            ("0.5", true),
            ("123456789012345678901234567890", true),
            (r#"" ""#, true),
            (r#""0""#, true),
            ("[0]", true),
            (r#"{"a": null}"#, true),
        ];
        for (value, expected) in cases {
            let config = format!(r#"{{"telegram_token": {value}, "allowed_user_ids": [1]}}"#);
            assert_eq!(verdict(&config).is_empty(), expected, "{value}");
        }
    }

    #[test]
    fn what_is_no_configuration_is_named_and_never_quoted() {
        let secret = "12345:secret";
        let deep = "[".repeat(100_000);
        let cases = [
            (String::new(), "malformed JSON in line 1, column 0"),
            ("null".into(), "it is not a JSON object"),
            (format!("\"{secret}\""), "it is not a JSON object"),
            (format!("[\"{secret}\"]"), "it is not a JSON object"),
            (format!("{{\"telegram_token\": \"{secret}\",}}"), "malformed JSON in line 1, column 35"),
            (format!("{{\"telegram_token\": {secret}}}"), "malformed JSON in line 1, column 25"),
            (format!("\u{feff}{{\"telegram_token\": \"{secret}\"}}"), "malformed JSON in line 1, column 1"),
            (format!("{{\"matrix\": {deep}"), "malformed JSON in line 1, column 100011"),
        ];
        for (config, expected) in cases {
            assert_eq!(verdict(&config), expected, "{config:.80}");
        }
        assert_eq!(missing(b"{\"telegram_token\": \"\xff\"}").unwrap_err(), "it is not UTF-8 (at byte 20)");
    }

    #[test]
    fn the_error_names_the_file_the_keys_and_the_next_step() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::of(dir.path().into(), None).unwrap();
        let path = home.config();
        let told = |cause: &str, fix: &str| {
            format!("error: {}: the bot is not configured: {cause}\n  fix: {fix}", path.display())
        };
        let said = |cause: &str| told(cause, "ductor onboarding");
        let broken = |cause: &str| told(cause, &Shell::here().edit(&path));
        assert_eq!(check(&home).unwrap_err().to_string(), said("there is no such file yet"));
        std::fs::create_dir_all(&path).unwrap();
        assert_eq!(check(&home).unwrap_err().to_string(), broken("not a regular file"));
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, " ".repeat(1024 * 1024 + 1)).unwrap();
        assert_eq!(check(&home).unwrap_err().to_string(), broken("larger than 1024 KiB"));
        std::fs::write(&path, r#"{"telegram_token": "1:a"}"#).unwrap();
        assert_eq!(check(&home).unwrap_err().to_string(), said("missing: allowed_user_ids"));
        assert_eq!(check(&home).unwrap_err().code, Code::Configuration);
        std::fs::write(&path, r#"{"telegram_token": "1:a", "allowed_user_ids": [1]}"#).unwrap();
        check(&home).unwrap();
    }
}
