//! The doorway of the program `ductor`. Everything behind it is in the library.

#[cfg(all(target_env = "musl", panic = "abort"))]
mod no_unwinding;

/// The malloc of musl asks the kernel for memory a few pages at a time, and gives each back at once: more than half of
/// all system calls of a short command, and a third of its time.
#[cfg(target_env = "musl")]
#[global_allocator]
static MEMORY: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> std::process::ExitCode {
    ductor::internals::main(&std::env::args_os().collect::<Vec<_>>())
}
