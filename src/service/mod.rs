//! A *service* is the manager's entry for one user: a definition that it loads, and what it does with it.

pub mod definition;
pub mod render;

pub use definition::ServiceDefinition;
