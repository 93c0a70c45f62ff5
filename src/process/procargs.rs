//! The answer to `KERN_PROCARGS2` (macOS, sysctl(3)): what a process was started with, as one block of bytes.
//!
//! The number of arguments (an int), the path of the program, zeros, then arguments and variables that each end
//! with a zero; after an empty one stands what is the kernel's own. Variables are missing where we may not see them.
//! Source: `sysctl_procargsx` in xnu's `bsd/kern/kern_sysctl.c`.

/// What a process was started with.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Started<'a> {
    pub arguments: Vec<&'a [u8]>,
    pub variables: Vec<&'a [u8]>,
}

/// Reads a block; none if it is no answer.
pub fn parse(block: &[u8]) -> Option<Started<'_>> {
    let (count, rest) = block.split_first_chunk()?;
    let count = usize::try_from(i32::from_ne_bytes(*count)).ok()?;
    let path_end = rest.iter().position(|&byte| byte == 0)?;
    let start = path_end + rest[path_end..].iter().position(|&byte| byte != 0)?;
    let mut strings = rest[start..].split(|&byte| byte == 0);
    let arguments: Vec<&[u8]> = strings.by_ref().take(count).collect();
    let variables = strings.take_while(|string| !string.is_empty()).collect();
    (arguments.len() == count).then_some(Started { arguments, variables })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(count: i32, strings: &[u8]) -> Vec<u8> {
        [&count.to_ne_bytes()[..], strings].concat()
    }

    #[test]
    fn arguments_and_variables_are_told_apart_by_their_number() {
        let block = block(3, b"/usr/bin/python3\0\0\0\0python3\0-m\0\0A=b=c\0B=\0\0ptr_munge=\0");
        let started = parse(&block).unwrap();
        assert_eq!(started.arguments, [&b"python3"[..], b"-m", b""]);
        assert_eq!(started.variables, [&b"A=b=c"[..], b"B="]);
    }

    #[test]
    fn variables_that_are_not_shown_are_none() {
        let hidden = block(1, b"/bin/sh\0\0sh\0");
        assert_eq!(parse(&hidden), Some(Started { arguments: vec![b"sh"], variables: vec![] }));
    }

    #[test]
    fn garbage_is_nothing() {
        for garbage in [&b""[..], b"\x01\0", b"\x01\0\0\0", b"\x01\0\0\0/bin/sh", b"\x01\0\0\0/bin/sh\0\0"] {
            assert_eq!(parse(garbage), None);
        }
        assert_eq!(parse(&block(-1, b"/bin/sh\0sh\0")), None);
        assert_eq!(parse(&block(9, b"/bin/sh\0sh\0")), None);
    }
}
