//! What people see: the exact screens, on a terminal and off it, in any locale.

use anyhow::{Context, Result};
use xtask::lab::image::{BOOKWORM, SERVER, TRIXIE};
use xtask::lab::{Image, Output, User};

use crate::world::World;

crate::tests![
    from_not_installed_to_running_and_stopped,
    a_service_that_failed_or_gave_up_says_why_and_what_to_do,
    the_doctor_lists_every_check,
    errors_name_the_thing_the_cause_and_the_fix,
    a_c_locale_sees_ascii_alone,
    colour_is_for_terminals_and_for_those_who_want_it,
    ctrl_c_ends_logs_in_order,
    ctrl_c_ends_a_foreground_host_in_order,
    logs_show_the_last_lines_and_let_a_reader_go,
    no_language_changes_what_is_understood,
];

/// A screen with what differs from run to run taken out: pids, times, sizes.
fn screen(text: &str) -> String {
    text.lines().map(|line| still(line) + "\n").collect()
}

fn still(line: &str) -> String {
    let line = match line.split_once("since ") {
        Some((before, _)) => format!("{before}since T"),
        None => line.to_owned(),
    };
    let line = match line.rsplit_once(", ").filter(|(_, end)| end.ends_with(" ago")) {
        Some((before, _)) => format!("{before}, A ago"),
        None => line,
    };
    ["pid ", "bot ", "host ", "+ disk             "].iter().fold(line, |line, before| {
        let Some((start, rest)) = line.split_once(before) else { return line };
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if number == 0 { line } else { format!("{start}{before}N{}", still(&rest[number..])) }
    })
}

/// In a login shell of a language.
fn in_locale(world: &World, locale: &str, words: &[&str]) -> Result<Output> {
    world.run("alice", &[&["env", locale, "/usr/bin/ductor"], words].concat())
}

fn from_not_installed_to_running_and_stopped() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_package(image)?;
        let _alice = world.login("alice")?;
        let bot = world.make_bot("alice")?;
        let see = |words: &[&str], code: i32| -> Result<String> {
            let output = world.ductor("alice", words)?.ended(code)?;
            Ok(screen(&output.stdout) + &screen(&output.stderr))
        };
        let running = "\
● ductor is running          since T
  owner     systemd user service (packaged)     pid N, bot N
  restarts  0
  survives  logout yes     reboot yes
";
        assert_eq!(see(&["service", "install", "--bot", &bot], 0)?, running, "{}", image.name);
        assert_eq!(see(&["service", "status"], 0)?, running);
        assert_eq!(
            see(&["service", "install"], 0)?,
            format!("{running}already installed; nothing changed\n")
        );
        world.started("alice", 1)?; // who has not begun can't end with 0
        assert_eq!(see(&["service", "start"], 0)?, format!("{running}already running\n"));
        let paths = "  bot       /home/alice/bot
  home      /home/alice/.ductor
  log       /home/alice/.ductor/logs/agent.log
";
        assert_eq!(see(&["status"], 0)?, format!("{running}{paths}"));
        let again = running.replace("  restarts  0\n", "  restarts  0          last exit 0, A ago\n");
        assert_eq!(see(&["service", "restart"], 0)?, again);
        world.started("alice", 2)?;
        assert_eq!(see(&["restart"], 0)?, again);
        world.started("alice", 3)?;
        assert_eq!(see(&["service", "stop"], 0)?, "stopped\nit starts again at the next boot\n");
        let stopped = "\
● ductor is stopped          to start it: ductor service start
  owner     nobody
  restarts  0          last exit 0, A ago
  survives  logout yes     reboot yes
";
        assert_eq!(see(&["service", "status"], 3)?, stopped);
        assert_eq!(see(&["status"], 3)?, format!("{stopped}{paths}"));
        assert_eq!(see(&["stop"], 0)?, "nothing runs\n");
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
        assert_eq!(see(&["service", "status"], 4)?.lines().next(), Some("● ductor is not installed"));
    }
    Ok(())
}

fn a_service_that_failed_or_gave_up_says_why_and_what_to_do() -> Result<()> {
    [&BOOKWORM, &TRIXIE].into_iter().try_for_each(one_that_failed_or_gave_up_says_why)
}

fn one_that_failed_or_gave_up_says_why(image: &Image) -> Result<()> {
    let world = World::with_service(image)?;
    world.hurry("alice")?;
    world.begin_with("alice", "exit 78")?;
    let refused = world.ductor("alice", &["service", "restart"])?.ended(78)?;
    assert_eq!(
        screen(&refused.stderr),
        "\
error: the bot: ended with code 78
  | the bot N says hello
  | the bot ended with code 78
  fix: ductor service logs --no-follow -n 50
"
    );
    world.status_when("alice", "it has failed", |status| status["state"] == "failed")?;
    let failed = world.ductor("alice", &["service", "status"])?.ended(3)?;
    assert_eq!(
        screen(&failed.stdout),
        "\
● ductor has failed
  owner     nobody
  restarts  0          last exit 78, A ago
  survives  logout yes     reboot yes
▲ the bot ended with 78: it says that its configuration is wrong. \
Fix: ductor service logs --no-follow -n 50
"
    );
    world.begin_with("alice", "exit 1")?;
    world.ductor("alice", &["service", "start"])?.ended(1)?;
    world.status_when("alice", "it gives up", |status| status["state"] == "gave-up")?;
    let gave_up = world.ductor("alice", &["service", "status"])?.ended(3)?;
    assert_eq!(
        screen(&gave_up.stdout),
        "\
● ductor gave up
  owner     nobody
  restarts  10         last exit 1, A ago
  survives  logout yes     reboot yes
▲ the manager gave up after 10 restarts. \
Fix: ductor service logs --no-follow -n 50
"
    );
    Ok(())
}

fn the_doctor_lists_every_check() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.give("alice", ".local/bin/claude", "#!/bin/sh\n", 0o755)?;
        let well = in_locale(&world, "LC_ALL=C", &["service", "doctor"])?.ended(0)?;
        assert_eq!(
            screen(&well.stdout),
            "\
+ manager          the systemd user service answers
+ owner            the service runs the bot: host N, bot N
+ linger           the service runs on when you log out
+ bot              the bot is /home/alice/bot, version unknown
+ agents           the service finds claude
+ disk             N MiB are free
+ logs             the logs take 0 MiB
+ definition       the definition is current
"
        );
        world.ductor("alice", &["service", "stop"])?.ended(0)?;
        world.foreground("alice", "")?;
        let ill = in_locale(&world, "LC_ALL=C", &["service", "doctor"])?.ended(1)?;
        let bad: String = screen(&ill.stdout).lines().filter(|line| !line.starts_with('+')).collect();
        assert_eq!(
            bad,
            "! foreground       a foreground host (pid N) runs the bot, not the service. \
         Fix: ductor stop && ductor service start"
        );
    }
    Ok(())
}

fn errors_name_the_thing_the_cause_and_the_fix() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        let say = |words: &[&str], code: i32| -> Result<String> {
            let output = world.ductor("alice", words)?.ended(code)?;
            assert_eq!(output.stdout, "", "an error is talk");
            Ok(screen(&output.stderr))
        };
        assert_eq!(
            say(&["run"], 1)?,
            "error: the bot of /home/alice/.ductor: it runs already, as the service (host pid N)
  fix: ductor run --takeover
"
        );
        assert_eq!(
            say(&["service", "statsu"], 2)?,
            "error: the command line: unrecognized subcommand 'statsu'\n  fix: ductor service status\n"
        );
        world.ductor("alice", &["service", "uninstall"])?.ended(0)?;
        for verb in ["start", "restart"] {
            assert_eq!(
                say(&["service", verb], 4)?,
                "error: the service: it is not installed\n  fix: ductor service install\n"
            );
        }
        assert_eq!(
            say(&["service", "install", "--bot", ""], 78)?,
            "error: the bot: none is installed
  fix: ductor bot install
"
        );
    }
    Ok(())
}

fn a_c_locale_sees_ascii_alone() -> Result<()> {
    let world = World::with_service(&BOOKWORM)?;
    world.begin_with("alice", "exit 3")?;
    let screens: [(&[&str], i32); 6] = [
        (&["service", "status"], 0),
        (&["status"], 0),
        (&["service", "doctor"], 1),
        (&["bot", "path"], 78),
        (&["--help"], 0),
        (&["service", "restart"], 1),
    ];
    for (words, code) in screens {
        for locale in ["LC_ALL=C", "LC_ALL=POSIX"] {
            let output = in_locale(&world, locale, words)?.ended(code)?;
            assert!(output.stdout.is_ascii() && output.stderr.is_ascii(), "{output}");
        }
    }
    let first = in_locale(&world, "LC_ALL=C", &["service", "status"])?.stdout;
    assert!(first.starts_with("* ductor "), "{first}");
    let first = in_locale(&world, "LC_ALL=C.UTF-8", &["service", "status"])?.stdout;
    assert!(first.starts_with("● ductor "), "{first}");
    Ok(())
}

/// Runs a shell line at a terminal of its own, sends it Ctrl-C as soon as it has written `until`, and gives what
/// it wrote and, on the last line, its code. Without `until` it is waited for.
const TERMINAL: &str = r#"
import os, pty, sys
line, until = sys.argv[1], sys.argv[2].encode()
pid, terminal = pty.fork()
if pid == 0:
    os.execv("/bin/sh", ["sh", "-c", line])
seen, sent = b"", False
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    seen += part
    if until and until in seen and not sent:
        os.write(terminal, b"\x03")
        sent = True
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(seen.decode() + f"\n{code}\n")
"#;

fn at_terminal(world: &World, line: &str, until: &str) -> Result<(String, i32)> {
    let output =
        world.run("alice", &["env", "TERM=xterm", "python3", "-c", TERMINAL, line, until])?.ended(0)?;
    let (seen, code) = output.stdout.trim_end().rsplit_once('\n').context("a code")?;
    Ok((seen.into(), code.parse()?))
}

fn colour_is_for_terminals_and_for_those_who_want_it() -> Result<()> {
    let world = World::with_service(&BOOKWORM)?;
    let status = "/usr/bin/ductor service status";
    let (seen, code) = at_terminal(&world, status, "")?;
    assert!(code == 0 && seen.starts_with("\x1b[32m●\x1b[0m ductor is running"), "{seen:?}");
    for plain in [
        format!("NO_COLOR=1 {status}"),
        format!("{status} --no-color"),
        format!("TERM=dumb {status}"),
        format!("{status} | cat"),
        "/usr/bin/ductor service start --no-color".into(),
    ] {
        let (seen, code) = at_terminal(&world, &plain, "")?;
        assert!(
            code == 0 && seen.contains("● ductor is running") && !seen.contains('\x1b'),
            "{plain}: {seen:?}"
        );
    }
    let none = world.ductor("alice", &["service", "doctor"])?;
    assert!(!none.stdout.contains('\x1b') && !none.stderr.contains('\x1b'), "{none}");
    Ok(())
}

fn ctrl_c_ends_logs_in_order() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.logs_when("alice", "the bot's words", |logs| logs.contains("says hello"))?;
        let (seen, code) = at_terminal(&world, "exec /usr/bin/ductor service logs", "says hello")?;
        assert_eq!(code, 0, "{}: {seen}", image.name);
        assert!(!seen.contains("error"), "{seen}");
        // From the bot's own file, where the journal can't be read.
        world.give("alice", ".ductor/logs/agent.log", "one\ntwo \x1b[2J\n", 0o600)?;
        let line = "export PATH=/nowhere; exec /usr/bin/ductor service logs -n 1";
        let (seen, code) = at_terminal(&world, line, "two")?;
        assert_eq!(code, 0, "{}: {seen}", image.name);
        assert!(
            seen.contains("agent.log") && seen.contains("two ^[[2J") && !seen.contains("one"),
            "{seen:?}"
        );
    }
    Ok(())
}

fn ctrl_c_ends_a_foreground_host_in_order() -> Result<()> {
    let world = World::with_service(&BOOKWORM)?;
    world.ductor("alice", &["service", "stop"])?.ended(0)?;
    world.begin_with("alice", "echo now it listens")?;
    let (seen, code) = at_terminal(&world, "DUCTOR_BOT=~/bot exec /usr/bin/ductor", "listens")?;
    assert_eq!(code, 0, "{seen}");
    assert_eq!((world.count("alice", "start")?, world.count("alice", "term")?), (2, 2), "{seen}");
    assert_eq!(world.processes("alice", "bot")?, [""; 0]);
    Ok(())
}

fn logs_show_the_last_lines_and_let_a_reader_go() -> Result<()> {
    for image in [&BOOKWORM, &TRIXIE] {
        let world = World::with_service(image)?;
        world.begin_with("alice", "seq -f 'line %g of many, with something to fill a pipe' 5000")?;
        world.ductor("alice", &["service", "restart"])?.ended(0)?;
        world.logs_when("alice", "the last line", |logs| logs.contains("line 5000 of"))?;
        let logs = |words: &str| -> Result<Output> {
            let line = format!("/usr/bin/ductor service logs {words}; echo ${{PIPESTATUS[0]}}");
            world.run("alice", &["bash", "-c", &line])
        };
        let three = logs("--no-follow -n 3")?.ok()?;
        let three: Vec<&str> = three.lines().collect();
        let last = ["line 4998 of", "line 4999 of", "line 5000 of", "0"];
        assert!(
            three.len() == 4 && three.iter().zip(last).all(|(line, part)| line.contains(part)),
            "{three:?}"
        );
        for words in ["--no-follow -n 5000 | head -n 1", "-n 5000 | head -n 1", "--no-follow -n 5000 | true"]
        {
            let output = logs(words)?.ended(0)?;
            assert!(output.stdout.ends_with("0\n") && output.stderr.is_empty(), "{words}: {output}");
        }
    }
    Ok(())
}

fn no_language_changes_what_is_understood() -> Result<()> {
    let world = World::with_package(&SERVER)?;
    for locale in ["LC_ALL=C", "LC_ALL=de_DE.UTF-8", "LC_ALL=zh_CN.UTF-8", "LANGUAGE=zh_CN:de"] {
        let command = ["env", locale, "/usr/bin/ductor", "service", "status", "--json"];
        let output = world.run(User::Cron("alice"), &command)?.ended(5)?;
        let status: serde_json::Value = serde_json::from_str(&output.stdout)?;
        assert_eq!(status["state"], "unknown", "{locale}");
        let problems = status["problems"].as_array().context("problems")?;
        assert_eq!(problems[0]["id"], "manager-unreachable", "{locale}: {status:#}");
        assert_eq!(problems[0]["fix"], "sudo loginctl enable-linger alice", "{locale}");
        assert!(status["installed"].is_null() && status["enabled"].is_null(), "{status:#}");
    }
    Ok(())
}
