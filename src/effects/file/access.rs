//! *Access lists* of files and folders on Windows. What is to be private gets a list of its own: for its user, the
//! system and the administrators of the machine, as 0600 and 0700 are on Unix for its user and root. What it would
//! inherit says so too inside a profile, and anything elsewhere.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{
    ERROR_INVALID_FUNCTION, ERROR_NOT_SUPPORTED, GENERIC_ALL, GENERIC_WRITE, LocalFree,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT,
    SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACL, DACL_SECURITY_INFORMATION, GetAce, GetLengthSid, GetSecurityDescriptorControl,
    GetSecurityDescriptorDacl, INHERIT_ONLY_ACE, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR,
    SE_DACL_PROTECTED,
};
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ADD_FILE, FILE_DELETE_CHILD, FILE_FLAG_BACKUP_SEMANTICS, READ_CONTROL, WRITE_DAC,
    WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::ACCESS_ALLOWED_ACE_TYPE;

use crate::user;

/// A security descriptor that Windows made for us.
struct Descriptor(PSECURITY_DESCRIPTOR);

impl Drop for Descriptor {
    #[allow(unsafe_code, reason = "the Windows API")]
    fn drop(&mut self) {
        // SAFETY: it is ours, and nobody uses it afterwards.
        unsafe { LocalFree(self.0) };
    }
}

/// Makes a folder that is private.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir(path)?;
    let mut options = OpenOptions::new();
    options.access_mode(WRITE_DAC | READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    make_private(&options.open(path)?)
}

/// Makes what is open, with the right to do so, private.
pub fn make_private(file: &File) -> io::Result<()> {
    // P: nothing is inherited; OICI: by what is in it, this is; FA: everything; SY and BA: see above.
    let user = user::text(&user::own_sid()?);
    set_list(file, &format!("D:P(A;OICI;FA;;;{user})(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"))
}

/// Gives what is open this list. A disk without lists stays as it is.
#[allow(unsafe_code, reason = "the Windows API")]
fn set_list(file: &File, text: &str) -> io::Result<()> {
    let (_made, list) = of_text(text)?;
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the list and the handle live until it returns.
    let error = unsafe {
        SetSecurityInfo(file.as_raw_handle(), SE_FILE_OBJECT, what, null_mut(), null_mut(), list, null())
    };
    match error {
        0 | ERROR_INVALID_FUNCTION | ERROR_NOT_SUPPORTED => Ok(()),
        error => Err(io::Error::from_raw_os_error(i32::try_from(error).unwrap_or(0))),
    }
}

/// The list that a text names in Microsoft's language for them (SDDL), and the descriptor that it is a part of.
#[allow(unsafe_code, reason = "the Windows API")]
fn of_text(text: &str) -> io::Result<(Descriptor, *mut ACL)> {
    let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
    let mut made = null_mut();
    // SAFETY: the text ends with 0; the descriptor that is made is ours.
    let done = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            text.as_ptr(),
            SDDL_REVISION_1,
            &raw mut made,
            null_mut(),
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let made = Descriptor(made);
    let (mut list, mut there, mut default) = (null_mut(), 0, 0);
    // SAFETY: the descriptor is one of Windows; the call only fills the three.
    unsafe { GetSecurityDescriptorDacl(made.0, &raw mut there, &raw mut list, &raw mut default) };
    Ok((made, list))
}

/// Whether others than this user, the system and its administrators may put a program into a folder, or take one
/// away. What can't be asked is not said to be so.
pub fn others_may_replace(folder: &Path) -> bool {
    let Some((_made, list)) = list_of(folder) else { return false };
    // No list at all lets everybody do everything.
    list.is_null() || allowed(list).any(|(who, what)| what & CHANGE != 0 && !is_trusted(&who))
}

/// Whether a file has a list of its own that lets in nobody but this user, the system and its administrators; none if it
/// can't be asked.
pub fn is_private(path: &Path) -> Option<bool> {
    let (made, list) = list_of(path)?;
    Some(is_own(&made) && lets_in_no_others(list))
}

/// Whether nothing is inherited.
#[allow(unsafe_code, reason = "the Windows API")]
fn is_own(made: &Descriptor) -> bool {
    let (mut control, mut revision) = (0, 0);
    // SAFETY: the descriptor is ours, and the call only fills the two.
    unsafe { GetSecurityDescriptorControl(made.0, &raw mut control, &raw mut revision) };
    control & SE_DACL_PROTECTED != 0
}

fn lets_in_no_others(list: *const ACL) -> bool {
    !list.is_null() && allowed(list).all(|(who, _)| is_trusted(&who))
}

/// The list of what is at a path, and the descriptor that it is a part of.
#[allow(unsafe_code, reason = "the Windows API")]
fn list_of(path: &Path) -> Option<(Descriptor, *mut ACL)> {
    let mut options = OpenOptions::new();
    options.access_mode(READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let open = options.open(path).ok()?;
    let (mut list, mut made) = (null_mut(), null_mut());
    // SAFETY: the handle is open for the whole call; the descriptor that is made is ours.
    let error = unsafe {
        GetSecurityInfo(
            open.as_raw_handle(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            null_mut(),
            null_mut(),
            &raw mut list,
            null_mut(),
            &raw mut made,
        )
    };
    (error == 0).then_some((Descriptor(made), list))
}

/// What changes which programs are in a folder, or who may.
const CHANGE: u32 =
    FILE_ADD_FILE | FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL;

/// Who may do what by this list, where it counts for the folder itself.
#[allow(unsafe_code, reason = "the Windows API")]
fn allowed(list: *const ACL) -> impl Iterator<Item = (user::Sid, u32)> {
    // SAFETY: the list is one of Windows, and lives as long as the caller looks at it.
    let count = unsafe { (*list).AceCount };
    (0..count).filter_map(move |number| {
        let mut entry = null_mut();
        // SAFETY: it gives a pointer into the list, to an entry whose first fields all kinds have.
        unsafe {
            if GetAce(list, number.into(), &raw mut entry) == 0 {
                return None;
            }
            let entry: *const ACCESS_ALLOWED_ACE = entry.cast();
            let header = (*entry).Header;
            let counts = u32::from(header.AceFlags) & INHERIT_ONLY_ACE == 0;
            if u32::from(header.AceType) != ACCESS_ALLOWED_ACE_TYPE || !counts {
                return None;
            }
            let sid = (&raw const (*entry).SidStart).cast::<u8>();
            let length = GetLengthSid(sid.cast_mut().cast()) as usize;
            Some((std::slice::from_raw_parts(sid, length).to_vec(), (*entry).Mask))
        }
    })
}

/// This user, the system, its administrators, whoever owns the folder, and services of Windows itself such as the one
/// that installs updates.
fn is_trusted(sid: &user::Sid) -> bool {
    let text = user::text(sid);
    user::own_sid().is_ok_and(|own| own == *sid)
        || ["S-1-5-18", "S-1-5-32-544", "S-1-3-4"].contains(&text.as_str())
        || text.starts_with("S-1-5-80-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::file;

    #[test]
    fn what_is_private_is_no_others_and_what_is_everybodys_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("private");
        create_private_folder(&folder).unwrap();
        assert!(!others_may_replace(&folder));
        let mut options = OpenOptions::new();
        options.access_mode(WRITE_DAC | READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
        set_list(&options.open(&folder).unwrap(), "D:P(A;OICI;FA;;;WD)").unwrap(); // everybody
        assert!(others_may_replace(&folder));
        make_private(&options.open(&folder).unwrap()).unwrap();
        assert!(!others_may_replace(&folder));
    }

    /// A roll-back once gave every file the list of a private one, also a program in a folder that others use. What Wine
    /// keeps of a list is too little to see it after one.
    #[test]
    fn a_program_is_not_taken_for_a_private_file() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("ductor.exe");
        file::replace(&program, b"old", 0o755).unwrap();
        assert_eq!(file::mode_of(&program), 0o644);
        let is_private =
            |text: &str| of_text(text).map(|(made, list)| is_own(&made) && lets_in_no_others(list));
        let user = user::text(&user::own_sid().unwrap());
        let private = format!("(A;OICI;FA;;;{user})(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)");
        assert!(is_private(&format!("D:P{private}")).unwrap());
        assert!(!is_private(&format!("D:AI{private}")).unwrap(), "a folder of the profile gives it");
        assert!(!is_private(&format!("D:P{private}(A;;0x1200a9;;;BU)")).unwrap(), "every user may run it");
    }

    #[test]
    fn a_user_is_written_as_windows_does() {
        let system = [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]; // MS-DTYP 2.4.2.4
        assert_eq!(user::text(&system.to_vec()), "S-1-5-18");
        assert!(is_trusted(&system.to_vec()) && is_trusted(&user::own_sid().unwrap()));
        let everyone = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        assert!(!is_trusted(&everyone.to_vec()));
    }
}
