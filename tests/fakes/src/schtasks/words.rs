//! What `schtasks.exe` says, in the language of the machine and in the code page of its console: cp850 for German and
//! French, cp936 for Chinese. Nobody may need any of it.

use crate::state::State;

/// The words of one language.
pub struct Words {
    denied: &'static [u8],
    not_found: &'static [u8],
    done: &'static [u8],
    running: &'static [u8],
    ready: &'static [u8],
    disabled: &'static [u8],
    logon_mode: &'static [u8],
    date: &'static [u8],
}

/// What stands in the column `Status`.
#[derive(Clone, Copy)]
pub enum Status {
    Running,
    Ready,
    Disabled,
}

const ENGLISH: Words = Words {
    denied: b"ERROR: Access is denied.",
    not_found: b"ERROR: The system cannot find the file specified.",
    done: b"SUCCESS: The scheduled task was processed.",
    running: b"Running",
    ready: b"Ready",
    disabled: b"Disabled",
    logon_mode: b"Interactive only",
    date: b"11/22/2026 2:03:00 PM",
};

const GERMAN: Words = Words {
    denied: b"FEHLER: Zugriff verweigert",
    not_found: b"FEHLER: Das System kann die angegebene Datei nicht finden.",
    done: b"ERFOLGREICH: Die geplante Aufgabe wurde verarbeitet.",
    running: b"Wird ausgef\x81hrt",
    ready: b"Bereit",
    disabled: b"Deaktiviert",
    logon_mode: b"Nur interaktiv",
    date: b"22.11.2026 14:03:00",
};

const FRENCH: Words = Words {
    denied: b"ERREUR\xff: Acc\x8as refus\x82.",
    not_found: b"ERREUR\xff: Le fichier sp\x82cifi\x82 est introuvable.",
    done: b"Op\x82ration r\x82ussie",
    running: b"En cours d'ex\x82cution",
    ready: b"Pr\x88t",
    disabled: b"D\x82sactiv\x82e",
    logon_mode: b"Interactif uniquement",
    date: b"22/11/2026 14:03:00",
};

const CHINESE: Words = Words {
    denied: b"\xb4\xed\xce\xf3: \xbe\xdc\xbe\xf8\xb7\xc3\xce\xca\xa1\xa3",
    not_found: b"\xb4\xed\xce\xf3: \xcf\xb5\xcd\xb3\xd5\xd2\xb2\xbb\xb5\xbd\xd6\xb8\xb6\xa8\xb5\xc4\xce\xc4\xbc\xfe\xa1\xa3",
    done: b"\xb3\xc9\xb9\xa6",
    running: b"\xd5\xfd\xd4\xda\xd4\xcb\xd0\xd0",
    ready: b"\xbe\xcd\xd0\xf7",
    disabled: b"\xd2\xd1\xbd\xfb\xd3\xc3",
    logon_mode: b"\xd6\xbb\xca\xb9\xd3\xc3\xbd\xbb\xbb\xa5\xb7\xbd\xca\xbd",
    date: b"2026/11/22 14:03:00",
};

impl Words {
    pub fn of(state: &State) -> Self {
        match state.get("language").as_deref() {
            Some("de") => GERMAN,
            Some("fr") => FRENCH,
            Some("zh") => CHINESE,
            _ => ENGLISH,
        }
    }

    pub fn denied(&self) -> Vec<u8> {
        line(self.denied)
    }

    pub fn not_found(&self) -> Vec<u8> {
        line(self.not_found)
    }

    pub fn done(&self) -> Vec<u8> {
        line(self.done)
    }

    pub fn syntax(&self) -> Vec<u8> {
        line(b"ERROR: Invalid syntax.")
    }

    pub fn no_service(&self) -> Vec<u8> {
        line(b"ERROR: The Task Scheduler service is not running.")
    }

    /// Windows names the place in the file; so does this.
    pub fn bad_xml(&self, why: &str) -> Vec<u8> {
        line(format!("ERROR: The task XML is malformed. {why}").as_bytes())
    }

    pub fn status(&self, status: Status) -> Vec<u8> {
        match status {
            Status::Running => self.running,
            Status::Ready => self.ready,
            Status::Disabled => self.disabled,
        }
        .to_vec()
    }

    pub fn logon_mode(&self) -> Vec<u8> {
        self.logon_mode.to_vec()
    }

    pub fn date(&self) -> Vec<u8> {
        self.date.to_vec()
    }
}

fn line(text: &[u8]) -> Vec<u8> {
    [text, b"\r\n"].concat()
}
