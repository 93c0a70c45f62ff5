//! A model of `whoami.exe`: `/user` and `/groups` as `/fo csv /nh` give them (Microsoft's page on whoami). Names of
//! groups are localised, identifiers never are.

use std::io::Write;

use crate::state::{Order, State};

/// The user that programs of the machine run as, by its settings `user` and `elevated`.
pub struct User {
    /// `MACHINE\name`.
    pub account: String,
    /// The security identifier.
    pub sid: String,
    /// Whether it is an administrator who uses that.
    pub elevated: bool,
}

impl User {
    /// The user of this machine.
    pub fn of(state: &State) -> Self {
        let user = state.get("user").unwrap_or_else(|| "alice 1001".into());
        let (name, number) = user.split_once(' ').unwrap_or((&user, "1001"));
        Self {
            account: format!("PC\\{name}"),
            sid: format!("S-1-5-21-1111111111-2222222222-3333333333-{number}"),
            elevated: state.has("elevated"),
        }
    }
}

/// Is `whoami.exe`.
pub fn main(args: &[String]) -> u8 {
    let Some(state) = State::find() else { return 1 };
    let user = User::of(&state);
    let table = match (state.call("whoami.exe", args), args.first().map(String::as_str)) {
        (Order::Fail, _) => return 1,
        (Order::Lie, _) => String::new(),
        (Order::Work, Some("/user")) => format!("\"{}\",\"{}\"\r\n", user.account, user.sid),
        (Order::Work, Some("/groups")) => {
            let level = if user.elevated { 12288 } else { 8192 };
            format!(
                "\"Users\",\"Alias\",\"S-1-5-32-545\",\"\"\r\n\"Level\",\"Label\",\"S-1-16-{level}\",\"\"\r\n"
            )
        }
        (Order::Work, _) => return 1,
    };
    u8::from(std::io::stdout().write_all(table.as_bytes()).is_err())
}
