//! `ductor service render`: the definition as text, on any OS, for any manager.

use crate::error::{Code, Result};
use crate::service::{ManagerName, named};

use super::{Context, definition};

pub fn run(context: &Context<'_>, name: Option<ManagerName>, packaged: bool) -> Result<Code> {
    let manager = match name {
        Some(name) => named(name, &context.home),
        None => context.manager()?,
    };
    let definition = if packaged { manager.packaged() } else { definition(context, manager.as_ref(), None)? };
    context.screen.give(&manager.render(&definition)?).map(|()| Code::Done)
}
