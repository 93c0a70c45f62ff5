//! `ductor service doctor`: every check, good or bad, each with what mends it.

use serde_json::json;

use crate::commands::screen::mended;
use crate::error::{Code, Result};
use crate::service::doctor::examine;

use super::{Context, definition, examined};

pub fn run(context: &Context<'_>, json: bool) -> Result<Code> {
    let manager = context.manager()?;
    let manager = manager.as_ref();
    let status = examined(context, manager)?;
    let findings = examine(&context.home, manager, &definition(context, manager, None)?, &status);
    let code = if findings.iter().all(|finding| finding.ok) { Code::Done } else { Code::Failed };
    if json {
        context.screen.give(&crate::commands::to_json(&json!({ "findings": findings })))?;
        return Ok(code);
    }
    let width = findings.iter().map(|finding| finding.id.len()).max().unwrap_or(0).max(16);
    for finding in &findings {
        let what = match &finding.fix {
            Some(fix) => mended(&finding.what, fix),
            None => finding.what.clone(),
        };
        context.screen.data(format_args!(
            "{} {:<width$} {what}",
            context.screen.mark(finding.ok),
            finding.id
        ));
    }
    Ok(code)
}
