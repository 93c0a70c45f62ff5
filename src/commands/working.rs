//! *Working*: a line on the terminal that tells that work goes on, and for how long. When it is done the line is gone.
//!
//! What is done in a moment shows none. The thread sleeps between two looks, and ends with the work.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Before this nobody wonders.
const MOMENT: Duration = Duration::from_millis(500);
const FRAME: Duration = Duration::from_millis(100);

/// No line is wider, as one that wraps can't be taken back.
const WIDTH: usize = 78;

/// The line of a piece of work that has begun. Dropped, it is gone.
pub struct Working(Option<(Sender<String>, JoinHandle<()>)>);

impl Working {
    /// Begins one, which turns through these characters.
    pub fn begin(what: &str, frames: &'static [&'static str]) -> Self {
        let (steps, news) = channel();
        let what = what.to_owned();
        Self(Some((steps, thread::spawn(move || show(what, &news, frames)))))
    }

    /// The work has come to its next step.
    pub fn step(&self, what: &str) {
        if let Some((steps, _)) = &self.0 {
            let _ended = steps.send(what.to_owned());
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some((steps, thread)) = self.0.take() {
            drop(steps);
            let _gone = thread.join();
        }
    }
}

fn show(mut what: String, news: &Receiver<String>, frames: &[&str]) {
    let (start, mut shown) = (Instant::now(), 0);
    for frame in frames.iter().cycle() {
        match news.recv_timeout(if shown == 0 { MOMENT } else { FRAME }) {
            Ok(step) => what = step,
            Err(RecvTimeoutError::Timeout) => {
                let line = line(frame, &what, start.elapsed());
                print(&format!("\r{line:<shown$}"));
                shown = line.chars().count();
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    if shown > 0 {
        print(&format!("\r{:shown$}\r", ""));
    }
}

fn line(frame: &str, what: &str, since: Duration) -> String {
    let seconds = format!("{} s", since.as_secs());
    let room = WIDTH.saturating_sub(frame.chars().count() + seconds.len() + 3);
    let what: String = what.chars().take(room).collect();
    format!("{frame} {what}  {seconds}")
}

fn print(text: &str) {
    let mut screen = io::stderr().lock();
    let _closed = write!(screen, "{text}").and_then(|()| screen.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_the_screen_whatever_is_done() {
        assert_eq!(
            line("⠋", "waiting for the bot", Duration::from_millis(2900)),
            "⠋ waiting for the bot  2 s"
        );
        assert_eq!(line("|", &"long ".repeat(40), Duration::from_secs(100)).len(), WIDTH);
    }
}
