//! What would *unwind* the stack of a program that aborts on a panic: nothing does. The standard library for musl
//! brings an unwinder all the same, and what reads debug information for a backtrace, a tenth of the program; a
//! program without tables for it (packaging/no-unwinding.ld) and without names has no use for either. With these in
//! their place the linker leaves both out.

#![allow(unsafe_code)] // the names are those of a C interface

use std::ffi::{c_int, c_void};

/// There is no frame to tell of: `_URC_END_OF_STACK`.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Backtrace(_each: *const c_void, _argument: *const c_void) -> c_int {
    5
}

macro_rules! never_called {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name() -> ! {
            std::process::abort()
        }
    )*};
}

// What std's personality routine calls, which only an unwinder would call.
never_called! {
    _Unwind_GetDataRelBase _Unwind_GetIPInfo _Unwind_GetLanguageSpecificData _Unwind_GetRegionStart
    _Unwind_GetTextRelBase _Unwind_Resume _Unwind_SetGR _Unwind_SetIP
}
