//! A *service* is the manager's entry for one user: a definition that it loads, and what it does with it.
//!
//! [`definition`] is the value, [`render`] its text, [`manager`] the seam to those who run it: [`systemd`].
//! On top of that seam, the same for every manager: [`up`] (when it counts as started), [`status`] (the truth
//! about it), [`doctor`] (why it does not behave), [`logs`] (the bot's lines), [`program`] (what it runs),
//! [`turn`] (who may change it now).

pub mod definition;
pub mod doctor;
pub mod logs;
pub mod manager;
pub mod program;
pub mod render;
pub mod status;
pub mod systemd;
pub mod turn;
pub mod up;

pub use definition::ServiceDefinition;
