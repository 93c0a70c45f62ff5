//! The doorway of the program `ductor`. Everything behind it is in the library.

fn main() {}
