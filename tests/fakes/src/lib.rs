//! *Fakes*: models of the programs through which service managers are reached, for machines that do not have
//! them.

pub mod task_schema;
