//! The *syntax* of units as people and other programs write them (systemd.syntax(7)): lines, words, what a variable is
//! set to. What is written by us is in [`unit`](super::unit).

use std::path::Path;

/// What a unit or drop-in sets the variable `name` to, in whatever way it is written; of several the last counts. None
/// where only systemd could tell: of the specifiers `%%` and `%h` (`user_home`) are known, of the escapes those of one
/// character that is no letter or digit.
pub fn variable(text: &str, name: &str, user_home: &Path) -> Option<String> {
    let (mut section, mut value) = ("", None);
    for line in logical_lines(text) {
        if line.starts_with('[') {
            section = line.trim_end();
            continue;
        }
        let Some((key, assignments)) = line.split_once('=') else { continue };
        if section != "[Service]" || key.trim() != "Environment" {
            continue;
        }
        if assignments.trim().is_empty() {
            value = None; // takes back all before
        }
        for word in words(assignments) {
            // The word of a name holds nothing to resolve.
            let is_it =
                word.trim_start_matches(['"', '\'']).strip_prefix(name).is_some_and(|it| it.starts_with('='));
            if is_it {
                value = meaning(word, user_home).and_then(|it| Some(it.split_once('=')?.1.to_owned()));
            }
        }
    }
    value
}

/// What a word means: quotes taken away, escapes and specifiers resolved.
fn meaning(word: &str, user_home: &Path) -> Option<String> {
    let (mut meaning, mut quote) = (String::new(), None);
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => meaning.push(characters.next().filter(|it| it.is_ascii_punctuation() || *it == ' ')?),
            '%' => match characters.next()? {
                '%' => meaning.push('%'),
                'h' => meaning.push_str(user_home.to_str()?),
                _ => return None,
            },
            _ if quote == Some(character) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(character),
            _ => meaning.push(character),
        }
    }
    Some(meaning)
}

/// The words of a value as they are written, with their quotes (systemd.syntax(7), "Quoting").
pub fn words(value: &str) -> Vec<&str> {
    let (mut words, mut start, mut quote, mut escaped) = (Vec::new(), None, None, false);
    for (at, character) in value.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
            start = start.or((!value[at + 1..].starts_with('\n')).then_some(at));
        } else if quote.is_some() {
            quote = quote.filter(|open| *open != character);
        } else if character.is_whitespace() {
            words.extend(start.take().map(|start| &value[start..at]));
        } else {
            quote = Some(character).filter(|character| matches!(character, '"' | '\''));
            start = start.or(Some(at));
        }
    }
    words.extend(start.map(|start| &value[start..]));
    words
}

/// Lines with their continuations (systemd.syntax(7): a backslash at the end of a line).
pub fn logical_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        loop {
            end = rest[end..].find('\n').map_or(rest.len(), |found| end + found + 1);
            let line = rest[..end].trim_end_matches('\n').trim_start();
            if end == rest.len() || !line.ends_with('\\') || line.starts_with(['#', ';']) {
                rest = &rest[end..];
                return Some(line);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_read_however_it_is_written() {
        let read =
            |lines: &str| variable(&format!("[Unit]\nX=1\n[Service]\n{lines}"), "A", Path::new("/home/u"));
        for (lines, value) in [
            ("Environment=A=/srv/x\n", Some("/srv/x")),
            ("Environment = B=1 'A=a b' C=2\n", Some("a b")),
            ("Environment=\"A=%h/\\\"x\\\" 5%%\"\n", Some("/home/u/\"x\" 5%")),
            ("Environment=B=1 \\\n  A=\"a b\"\n", Some("a b")),
            ("Environment=A=1\nEnvironment=A=2\n", Some("2")),
            ("Environment=A=1\nEnvironment=\n", None),
            ("Environment=A=%t/x\n", None),
            ("Environment=A=\\x20\n", None),
            ("Environment=AB=1 B=A=2\n#Environment=A=1\n", None),
            ("[Install]\nEnvironment=A=1\n", None),
        ] {
            assert_eq!(read(lines).as_deref(), value, "{lines}");
        }
    }
}
