//! The Task Scheduler, by its model (`tests/fakes`): each test is a machine, one command, and what it leaves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects by panicking")]

mod life;
pub mod machine;
mod others;
mod set_up;
