//! `ductor service render`: the definition as text, on any OS, for any manager.

use crate::error::{Code, Result};
use crate::service::definition::ServiceDefinition;
use crate::service::{ManagerName, named};

use super::{Context, definition};

/// Where the packages of each OS put the binary.
const PACKAGED: &str = "/usr/bin/ductor";

pub fn run(context: &Context<'_>, name: Option<ManagerName>, packaged: bool) -> Result<Code> {
    let manager = match name {
        Some(name) => named(name, &context.home),
        None => context.manager()?,
    };
    let definition = if packaged {
        ServiceDefinition::packaged(PACKAGED)
    } else {
        definition(context, manager.as_ref(), None)?
    };
    context.screen.data(manager.render(&definition)?.trim_end());
    Ok(Code::Done)
}
