//! A reader of unit files, written from systemd.syntax(7), systemd.exec(5) and systemd.service(5) "COMMAND LINES", and not
//! from what ductor writes. The lab asks systemd itself; this one is there on every system. It panics at what systemd
//! would not read as it was meant.

/// The values of one directive, in the order of the lines. An empty one takes back those before it.
pub fn values<'a>(unit: &'a str, directive: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter(|line| !line.starts_with(['#', ';']));
    let mut values = Vec::new();
    for (_, value) in lines.filter_map(|line| line.split_once('=')).filter(|(name, _)| *name == directive) {
        if value.is_empty() {
            values.clear();
        } else {
            values.push(value);
        }
    }
    values
}

/// The assignments of all `Environment=`, with the home folder of the user for `%h`.
///
/// # Panics
/// systemd would not read it as it was meant; so do the others here.
pub fn environment(unit: &str, home: &str) -> Vec<String> {
    values(unit, "Environment").into_iter().flat_map(|line| words(line, home)).collect()
}

/// The arguments of the one `ExecStart=`: variables stand in all but the first.
pub fn arguments(unit: &str, home: &str) -> Vec<String> {
    let [line] = values(unit, "ExecStart")[..] else { panic!("not one ExecStart: {unit}") };
    let mut words = words(line, home);
    let unsafe_path = |path: &str| path.contains(['\'', '"', '\\']) || path.chars().any(char::is_control);
    assert!(!unsafe_path(&words[0]), "systemd refuses this path: {line}");
    for argument in &mut words[1..] {
        assert!(!argument.replace("$$", "").contains('$'), "a variable: {line}");
        *argument = argument.replace("$$", "$");
    }
    words
}

/// "Quoting": words, in quotes or not, with the escapes of C.
fn words(line: &str, home: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut rest = line.chars();
    while let Some(character) = rest.next() {
        match (character, quote) {
            ('\\', _) => word.get_or_insert_default().push(escaped(&mut rest)),
            (mark @ ('"' | '\''), None) if word.is_none() => {
                quote = Some(mark);
                word = Some(String::new());
            }
            (mark, Some(open)) if mark == open => quote = None,
            (' ' | '\t', None) => words.extend(word.take()),
            (character, _) => word.get_or_insert_default().push(character),
        }
    }
    assert!(quote.is_none(), "a quote is open: {line}");
    words.extend(word);
    words.iter().map(|word| specifiers(word, home)).collect()
}

fn escaped(rest: &mut std::str::Chars<'_>) -> char {
    match rest.next() {
        Some('n') => '\n',
        Some('t') => '\t',
        Some('s') => ' ',
        Some(itself @ ('\\' | '"' | '\'')) => itself,
        other => panic!("an escape that nobody needs: {other:?}"),
    }
}

/// "SPECIFIERS" of systemd.unit(5), as far as units of ours have any.
pub fn specifiers(word: &str, home: &str) -> String {
    let mut parts = word.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let Some(part) = parts.next() {
        match part.chars().next() {
            None => {
                text.push('%');
                text.push_str(parts.next().unwrap_or_default());
            }
            Some('h') => {
                text.push_str(home);
                text.push_str(&part[1..]);
            }
            other => panic!("a specifier that nobody meant: {other:?} in {word}"),
        }
    }
    text
}
