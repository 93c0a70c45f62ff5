//! The `ar` archive that a .deb is: a magic line, then members behind headers of 60 bytes of text (ar(5), deb(5)).

/// Members by name, in order, owned by root, each time `epoch`. A name has 16 characters at most.
pub fn ar(members: &[(&str, &[u8])], epoch: u64) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        // name, time, user, group, mode (octal), size
        let header = format!("{name:<16}{epoch:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, "100644", bytes.len());
        debug_assert_eq!(header.len(), 60, "{name} does not fit");
        archive.extend(header.as_bytes());
        archive.extend(*bytes);
        if bytes.len() % 2 == 1 {
            archive.push(b'\n'); // members start at even places
        }
    }
    archive
}
