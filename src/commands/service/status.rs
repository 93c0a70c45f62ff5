//! `ductor service status`: the truth about the service, at a glance or as JSON.

use jiff::{Timestamp, Zoned};

use crate::commands::screen::{Screen, Tone};
use crate::commands::to_json;
use crate::commands::typed::typed;
use crate::error::{Code, Result};
use crate::host::Host;
use crate::service::manager::{Manager, State};
use crate::service::status::{Owner, Status};

use super::{Context, examined};

pub fn run(context: &Context<'_>, json: bool) -> Result<Code> {
    let manager = context.manager()?;
    let status = examined(context, manager.as_ref())?;
    if json {
        context.screen.give(&to_json(&status))?;
    } else {
        print(context.screen, manager.title(), &status);
    }
    Ok(status.code())
}

/// The same screen after a command that changed something.
pub fn show(context: &Context<'_>, manager: &dyn Manager) -> Result<Code> {
    if context.screen.shows_outcomes() {
        print(context.screen, manager.title(), &examined(context, manager)?);
    }
    Ok(Code::Done)
}

/// Prints a status for people.
pub fn print(screen: &Screen, title: &str, status: &Status) {
    print_under(headline(status.state), screen, title, status);
}

/// Prints a status for people, for whom the bot runs that the service does not run.
pub fn print_of_bot(screen: &Screen, title: &str, status: &Status, host: Option<&Host>) {
    let (Owner::Foreground, Some(host)) = (status.owner, host) else {
        let without_host = status.owner == Owner::Other;
        let without_host = without_host.then_some((Tone::Warning, "runs without a host"));
        return print_under(without_host.unwrap_or(headline(status.state)), screen, title, status);
    };
    let said = host.state.as_ref();
    let status = Status {
        running: true,
        pid: Some(host.process.pid),
        bot_pid: said.and_then(|said| Some(said.bot.as_ref()?.process.pid)),
        since: said.map(|said| said.since.clone()),
        ..status.clone()
    };
    print_under((Tone::Good, "runs in the foreground"), screen, title, &status);
}

fn print_under(headline: (Tone, &str), screen: &Screen, title: &str, status: &Status) {
    for line in lines(headline, screen, title, status, &Zoned::now()) {
        screen.data(line);
    }
}

/// The screen, a line each.
fn lines(
    (tone, words): (Tone, &str),
    screen: &Screen,
    title: &str,
    status: &Status,
    now: &Zoned,
) -> Vec<String> {
    let since = status.since.as_deref().and_then(|since| since.parse::<Timestamp>().ok());
    let since = since.filter(|_| status.running).map(|since| {
        let local = since.to_zoned(now.time_zone().clone());
        format!("since {} ({})", local.strftime("%Y-%m-%d %H:%M"), age(since, now))
    });
    let second = since.or_else(|| next_step(status).map(typed));
    let mut lines =
        vec![columns(&format!("{} ductor {words}", screen.dot(tone)), words.len() + 9, 29, second)];
    if status.installed == Some(true) || status.owner != Owner::None {
        let owner = match status.owner {
            Owner::Service => {
                format!("{title}{}", if status.packaged == Some(true) { " (packaged)" } else { "" })
            }
            Owner::Foreground => "a host in the foreground".into(),
            Owner::Other => "a bot that ductor did not start".into(),
            Owner::None => "nobody".into(),
        };
        let pids = match (status.pid, status.bot_pid) {
            (Some(host), Some(bot)) => Some(format!("pid {host}, bot {bot}")),
            (Some(host), None) => Some(format!("pid {host}, no bot")),
            _ => None,
        };
        lines.push(row("owner", &owner, 48, pids));
        let exit = status.last_exit.as_ref().map(|exit| {
            let at = exit.at.parse().ok().map(|at| format!(", {} ago", age(at, now)));
            let how = exit.code.map_or_else(|| exit.to_string(), |code| code.to_string());
            format!("last exit {how}{}", at.unwrap_or_default())
        });
        lines.push(row("restarts", &status.restarts.to_string(), 23, exit));
    }
    if let (Some(true), Some(logout), Some(reboot)) =
        (status.installed, status.survives_logout, status.survives_reboot)
    {
        let word = |yes| if yes { "yes" } else { "no" };
        lines.push(row(
            "survives",
            &format!("logout {}", word(logout)),
            27,
            Some(format!("reboot {}", word(reboot))),
        ));
    }
    lines.extend(status.problems.iter().map(|problem| screen.problem(problem)));
    lines
}

/// What to do where nothing runs and nothing is wrong. A problem says by itself what mends it.
fn next_step(status: &Status) -> Option<&'static str> {
    match status.state {
        State::NotInstalled => Some("to set it up: ductor service install"),
        State::Stopped => Some("to start it: ductor service start"),
        _ => None,
    }
    .filter(|_| status.owner == Owner::None && status.problems.is_empty())
}

fn headline(state: State) -> (Tone, &'static str) {
    match state {
        State::Running => (Tone::Good, "is running"),
        State::Starting => (Tone::Warning, "is starting"),
        State::Restarting => (Tone::Warning, "is restarting"),
        State::Stopping => (Tone::Warning, "is stopping"),
        State::Stopped => (Tone::Faint, "is stopped"),
        State::Failed => (Tone::Bad, "has failed"),
        State::GaveUp => (Tone::Bad, "gave up"),
        State::NotInstalled => (Tone::Faint, "is not installed"),
        State::Unknown => (Tone::Warning, "is in an unknown state"),
    }
}

/// A row of the screen, its second part at column `at` of the contract's screen.
fn row(name: &str, value: &str, at: usize, second: Option<String>) -> String {
    columns(&format!("  {name:<10}{value}"), 12 + value.chars().count(), at, second)
}

/// `first`, which is `width` wide as seen, and `second` from column `at` on.
fn columns(first: &str, width: usize, at: usize, second: Option<String>) -> String {
    match second {
        None => first.to_owned(),
        Some(second) => format!("{first}{:gap$}{second}", "", gap = at.saturating_sub(width).max(2)),
    }
}

/// How long ago, in one unit: `45 s`, `12 min`, `2 h`, `3 d`.
fn age(then: Timestamp, now: &Zoned) -> String {
    let seconds = now.timestamp().as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::host::LastExit;
    use crate::service::manager::Problem;

    fn running() -> Status {
        Status {
            manager: "systemd",
            state: State::Running,
            installed: Some(true),
            enabled: Some(true),
            running: true,
            pid: Some(4711),
            bot_pid: Some(4712),
            since: Some("2026-11-22T14:03:00Z".into()),
            restarts: 0,
            last_exit: Some(LastExit { code: Some(42), signal: None, at: "2026-11-22T13:03:00Z".into() }),
            definition: Some("/usr/lib/systemd/user/ductor.service".into()),
            packaged: Some(true),
            owner: Owner::Service,
            survives_logout: Some(true),
            survives_reboot: Some(true),
            problems: vec![],
        }
    }

    fn screen(status: &Status) -> String {
        let now = "2026-11-22T16:03:00Z".parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC);
        let screen = Screen::plain();
        lines(headline(status.state), &screen, "systemd user service", status, &now).join("\n")
    }

    #[test]
    fn a_running_service_at_a_glance() {
        assert_eq!(
            screen(&running()),
            "\
● ductor is running          since 2026-11-22 14:03 (2 h)
  owner     systemd user service (packaged)     pid 4711, bot 4712
  restarts  0          last exit 42, 3 h ago
  survives  logout yes     reboot yes"
        );
    }

    #[test]
    fn a_problem_ends_with_what_mends_it() {
        let problem = Problem::new(
            "linger-off",
            "the service ends when you log out",
            "sudo loginctl enable-linger alice",
        );
        let status = Status {
            state: State::Failed,
            running: false,
            pid: None,
            bot_pid: None,
            owner: Owner::None,
            packaged: Some(false),
            survives_logout: Some(false),
            survives_reboot: Some(false),
            last_exit: Some(LastExit { code: None, signal: Some(9), at: "2026-11-22T16:02:58Z".into() }),
            problems: vec![problem],
            ..running()
        };
        assert_eq!(
            screen(&status),
            "\
● ductor has failed
  owner     nobody
  restarts  0          last exit signal 9, 2 s ago
  survives  logout no      reboot no
▲ the service ends when you log out. Fix: sudo loginctl enable-linger alice"
        );
    }

    #[test]
    fn what_is_not_installed_needs_one_line() {
        let status = Status {
            state: State::NotInstalled,
            installed: Some(false),
            running: false,
            owner: Owner::None,
            ..running()
        };
        let next = typed("to set it up: ductor service install");
        assert_eq!(screen(&status), format!("● ductor is not installed    {next}"));
    }

    #[test]
    fn unknown_is_null_in_json_and_the_keys_stay() {
        let status = Status { installed: None, since: None, last_exit: None, ..running() };
        let json: serde_json::Value = serde_json::from_str(&crate::commands::to_json(&status)).unwrap();
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys.join(" "),
            "manager state installed enabled running pid bot_pid since restarts last_exit definition packaged \
             owner survives_logout survives_reboot problems"
        );
        assert!(json["installed"].is_null() && json["last_exit"].is_null());
        assert_eq!(json["state"], "running");
    }
}
