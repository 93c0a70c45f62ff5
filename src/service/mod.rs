//! A *service* is the manager's entry for one user: a definition that it loads, and what it does with it.

pub mod definition;
pub mod doctor;
pub mod logs;
pub mod manager;
pub mod program;
pub mod render;
pub mod status;
pub mod systemd;
pub mod up;

pub use definition::ServiceDefinition;
