//! Small worlds: a home of its own, real programs, and what can be seen from outside.

mod bot;
mod cli;
mod golden;
mod host;
mod one_host;
mod property;
mod restart;
mod stop;
mod stress;
mod world;
