//! The doorway of the program `ductor`. Everything behind it is in the library.

fn main() -> std::process::ExitCode {
    ductor::internals::main(&std::env::args_os().collect::<Vec<_>>())
}
