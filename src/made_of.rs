//! What this program is *made of*: each crate with its version, in the place where `cargo audit bin` and its kin look
//! (github.com/rust-secure-code/cargo-auditable, PARSING.md). `cargo xtask dist` writes it down; other builds have none.

macro_rules! data {
    () => {
        include_bytes!(env!("DUCTOR_MADE_OF", "cargo xtask dist sets it"))
    };
}

#[used]
#[allow(unsafe_code, reason = "puts data into a section of its own")]
// SAFETY: no other section is called so, and what is in it is plain bytes.
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,.dep-v0"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".dep-v0"))]
static DATA: [u8; data!().len()] = *data!();

/// Keeps it in the program: linkers leave out what nothing refers to.
pub fn keep() {
    std::hint::black_box(&DATA);
}
