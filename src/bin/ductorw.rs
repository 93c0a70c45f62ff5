//! The doorway of `ductorw`: `ductor` without a window, which the Task Scheduler of Windows starts. On other systems
//! it is the same program under another name, and nobody ships it.

#![windows_subsystem = "windows"]

fn main() -> std::process::ExitCode {
    ductor::internals::main(&std::env::args_os().collect::<Vec<_>>())
}
