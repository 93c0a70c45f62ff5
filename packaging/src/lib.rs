//! Builds the release bundles of ductor and runs its tests.

pub mod lab;
pub mod test;
