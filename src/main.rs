//! The doorway of the program `ductor`. Everything behind it is in the library.

#[cfg(all(target_env = "musl", panic = "abort"))]
mod no_unwinding;

fn main() -> std::process::ExitCode {
    ductor::internals::main(&std::env::args_os().collect::<Vec<_>>())
}
