//! Small worlds: a home of its own, real programs, and what can be seen from outside.

mod bot;
mod cli;
#[cfg(unix)]
mod cut;
mod fakes;
mod floods;
mod golden;
mod host;
#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod launchd;
mod log_files;
mod namespaces;
#[cfg(unix)]
mod onboarding;
mod one_host;
mod origin;
mod property;
mod restart;
#[cfg(unix)]
mod screens;
mod stop;
mod stress;
#[cfg(unix)]
mod systemd;
mod task_scheduler;
#[cfg(unix)]
mod terminal;
mod world;
