//! Small worlds: a home of its own, real programs, and what can be seen from outside.

mod cli;
mod host;
mod one_host;
mod restart;
mod stop;
mod world;
