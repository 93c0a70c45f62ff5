//! A *secret* is what nobody may quote: a token, a password. The bot writes what it likes into its log, the URL of its
//! chat with the token in it too; where its last words stand in an error of ours, which people paste into issues, the
//! secrets are left out of them.

use std::mem::take;

use serde_json::Value;

use crate::bot::configured::LIMIT;
use crate::effects::file;
use crate::home::Home;

/// What stands in the place of a secret.
const HIDDEN: &str = "[secret]";

/// Parts of the names under which secrets stand in the configuration.
const NAMES: [&str; 4] = ["token", "secret", "password", "key"];

/// A shorter value may be any word.
const SHORTEST: usize = 6;

/// No configuration has more of them; each is a look at the whole text.
const MANY: usize = 100;

/// Tokens that are made by machines are longer than this.
const LONG: usize = 20;

/// The text without the secrets of this home's configuration, and without anything that looks like a token.
pub fn hide(home: &Home, text: &str) -> String {
    hide_those_of(&file::read_bounded(&home.config(), LIMIT).unwrap_or_default(), text)
}

/// The same with the text of a configuration.
pub(crate) fn hide_those_of(config: &[u8], text: &str) -> String {
    let mut values = Vec::new();
    collect(&serde_json::from_slice(config).unwrap_or_default(), false, &mut values);
    values.sort_by_key(|value| std::cmp::Reverse(value.len())); // one may be a part of another
    values.truncate(MANY);
    let text = values.iter().fold(text.to_owned(), |text, value| text.replace(value, HIDDEN));
    without_tokens(&text)
}

fn collect(value: &Value, is_secret: bool, found: &mut Vec<String>) {
    match value {
        Value::String(text) if is_secret && text.len() >= SHORTEST => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, is_secret, found)),
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.to_lowercase();
                collect(value, is_secret || NAMES.iter().any(|part| name.contains(part)), found);
            }
        }
        _ => {}
    }
}

/// A token of Telegram, Slack, Anthropic, GitHub and their like is one long word of large and small letters and digits,
/// which no name and no hash is.
fn without_tokens(text: &str) -> String {
    let (mut safe, mut word) = (String::with_capacity(text.len()), String::new());
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_alphanumeric() || "_-:".contains(character) {
            word.push(character);
        } else {
            let word = take(&mut word);
            safe.push_str(if is_token(&word) { HIDDEN } else { &word });
            safe.push(character);
        }
    }
    safe.pop(); // the break that ended the last word
    safe
}

fn is_token(word: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| word.as_bytes().iter().any(kind);
    word.len() > LONG && has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bot_said_is_quoted_without_its_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::of(dir.path().into(), None).unwrap();
        std::fs::create_dir_all(home.root().join("config")).unwrap();
        let config = r#"{"matrix": {"password": "hunter2", "user_id": "@bob"}, "api": {"keys": ["hunter2 more"]}, "token": "a"}"#;
        std::fs::write(home.config(), config).unwrap();
        let telegram = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1";
        let said = format!(
            "12:00:01 ERROR login of @bob with hunter2, hunter2 more: a failure\n\
             POST https://api.telegram.org/bot{telegram}/getMe sk-ant-Api03-AbCdEf0123456789\n\
             File \"/home/u/site-packages/ductor_bot/__main__.py\", line 12, in a_function_of_a_long_name_2\n\
             d41d8cd98f00b204e9800998ecf8427e é"
        );
        assert_eq!(
            hide(&home, &said),
            "12:00:01 ERROR login of @bob with [secret], [secret]: a failure\n\
             POST https://api.telegram.org/[secret]/getMe [secret]\n\
             File \"/home/u/site-packages/ductor_bot/__main__.py\", line 12, in a_function_of_a_long_name_2\n\
             d41d8cd98f00b204e9800998ecf8427e é"
        );
    }
}
