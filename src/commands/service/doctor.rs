//! `ductor service doctor`: every check, good or bad, each with what mends it.

use serde_json::json;

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
        context.screen.data(crate::commands::to_json(&json!({ "findings": findings })));
        return Ok(code);
    }
    let width = findings.iter().map(|finding| finding.id.len()).max().unwrap_or(0).max(16);
    for finding in &findings {
        let fix = finding.fix.as_ref().map(|fix| format!(". Fix: {fix}")).unwrap_or_default();
        context.screen.data(format_args!(
            "{} {:<width$} {}{fix}",
            context.screen.mark(finding.ok),
            finding.id,
            finding.what
        ));
    }
    Ok(code)
}
