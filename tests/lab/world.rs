//! What the tests share: the package, a machine that has it, a bot to keep running.
