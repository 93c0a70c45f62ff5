//! Users on Windows: security identifiers (SIDs), read off the access tokens of processes.

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::ptr;

use windows_sys::Win32::Security::{
    GetLengthSid, GetTokenInformation, LookupAccountNameW, TOKEN_ELEVATION, TOKEN_INFORMATION_CLASS,
    TOKEN_QUERY, TOKEN_USER, TokenElevation, TokenUser,
};
use windows_sys::Win32::System::RemoteDesktop::{
    WTS_CURRENT_SESSION, WTS_INFO_CLASS, WTSDomainName, WTSFreeMemory, WTSQuerySessionInformationW,
    WTSUserName,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// A security identifier, as its bytes.
pub type Sid = Vec<u8>;

/// As Windows writes it: `S-1-5-21-…` (MS-DTYP 2.4.2.1).
pub fn text(sid: &Sid) -> String {
    let authority =
        sid.get(2..8).unwrap_or_default().iter().fold(0_u64, |all, &byte| all << 8 | u64::from(byte));
    let parts = sid.get(8..).unwrap_or_default().chunks_exact(4);
    let parts: String =
        parts.map(|part| format!("-{}", u32::from_le_bytes([part[0], part[1], part[2], part[3]]))).collect();
    format!("S-{}-{authority}{parts}", sid.first().unwrap_or(&1))
}

pub fn number() -> u32 {
    let sid = own_sid().unwrap_or_default();
    sid.last_chunk().map_or(0, |last| u32::from_le_bytes(*last))
}

/// By what this process acts as somebody else, what is wrong with that, and what to type instead.
///
/// Who is no administrator is asked for the name and the password of one; what runs then is that one's, with their
/// profile. The session still belongs to the person who sits there.
pub fn borrowed() -> Option<(&'static str, &'static str, &'static str)> {
    let (ours, theirs) = (own_sid().ok()?, sessions_user()?);
    (is_elevated() && ours != theirs).then_some((
        "run as administrator",
        "the service belongs to the user who is logged on; this would set up the administrator's",
        "the same command in a window that was not run as administrator",
    ))
}

/// The user that this process acts as.
pub fn own_sid() -> io::Result<Sid> {
    // SAFETY: it returns a constant.
    #[allow(unsafe_code, reason = "the Windows API")]
    sid_of(unsafe { GetCurrentProcess() })
}

/// The user that a process acts as.
pub fn sid_of(process: RawHandle) -> io::Result<Sid> {
    let user = about(&token(process)?, TokenUser)?;
    // SAFETY: the answer begins with this structure, whose pointer is to a SID that the answer holds as well.
    #[allow(unsafe_code, reason = "the Windows API")]
    unsafe {
        let sid = ptr::read_unaligned(user.as_ptr().cast::<TOKEN_USER>()).User.Sid;
        let length = GetLengthSid(sid) as usize;
        Ok(std::slice::from_raw_parts(sid.cast::<u8>(), length).to_vec())
    }
}

fn is_elevated() -> bool {
    // SAFETY: it returns a constant.
    #[allow(unsafe_code, reason = "the Windows API")]
    let answer = token(unsafe { GetCurrentProcess() }).and_then(|token| about(&token, TokenElevation));
    answer.is_ok_and(|answer| {
        answer.len() >= size_of::<TOKEN_ELEVATION>() && answer.iter().any(|&byte| byte != 0)
    })
}

#[allow(unsafe_code, reason = "the Windows API")]
fn token(process: RawHandle) -> io::Result<OwnedHandle> {
    let mut token: RawHandle = ptr::null_mut();
    // SAFETY: it fills `token` with a handle that is ours, or fails.
    unsafe {
        if OpenProcessToken(process, TOKEN_QUERY, &raw mut token) == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedHandle::from_raw_handle(token))
    }
}

#[allow(unsafe_code, reason = "the Windows API")]
fn about(token: &OwnedHandle, what: TOKEN_INFORMATION_CLASS) -> io::Result<Vec<u8>> {
    let mut answer = vec![0_u8; 256]; // a SID has 68 bytes at most
    let mut length = 0;
    // SAFETY: it writes no more than the length that it is given.
    let done = unsafe {
        let room = u32::try_from(answer.len()).unwrap_or(0);
        GetTokenInformation(token.as_raw_handle(), what, answer.as_mut_ptr().cast(), room, &raw mut length)
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SIDs in it are pointed to, so it must not be moved: a Vec keeps its place when it gets shorter.
    answer.truncate(length as usize);
    Ok(answer)
}

/// The person at this session's screen; none in the session of services, where ssh comes in.
#[allow(unsafe_code, reason = "the Windows API")]
fn sessions_user() -> Option<Sid> {
    let (domain, name) = (of_session(WTSDomainName)?, of_session(WTSUserName)?);
    if name.len() < 2 {
        return None;
    }
    let account: Vec<u16> =
        domain[..domain.len() - 1].iter().chain(&[b'\\'.into()]).chain(&name).copied().collect();
    let (mut sid, mut length) = (vec![0_u8; 68], 68);
    let (mut domain, mut room, mut kind) = (vec![0_u16; 256], 256, 0);
    // SAFETY: the name ends with 0, and it writes no more than the lengths that it is given.
    let found = unsafe {
        LookupAccountNameW(
            ptr::null(),
            account.as_ptr(),
            sid.as_mut_ptr().cast(),
            &raw mut length,
            domain.as_mut_ptr(),
            &raw mut room,
            &raw mut kind,
        )
    };
    sid.truncate(length as usize);
    (found != 0).then_some(sid)
}

/// What Windows says about our session: a text with the 0 at its end.
#[allow(unsafe_code, reason = "the Windows API")]
fn of_session(what: WTS_INFO_CLASS) -> Option<Vec<u16>> {
    let (mut text, mut bytes) = (ptr::null_mut::<u16>(), 0);
    // SAFETY: it fills both; the text has that many bytes and is ours to free.
    unsafe {
        if WTSQuerySessionInformationW(
            ptr::null_mut(),
            WTS_CURRENT_SESSION,
            what,
            &raw mut text,
            &raw mut bytes,
        ) == 0
        {
            return None;
        }
        let copy = std::slice::from_raw_parts(text, bytes as usize / 2).to_vec();
        WTSFreeMemory(text.cast::<c_void>());
        Some(copy).filter(|copy| copy.last() == Some(&0))
    }
}
