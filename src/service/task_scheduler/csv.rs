//! The tables of `schtasks.exe` and `whoami.exe`: rows of fields, "comma-separated values".

/// The fields of a row of CSV. In every code page a quote and a comma are what they are in ASCII.
pub fn fields(row: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    let mut characters = row.trim_end().chars().peekable();
    while let Some(character) = characters.next() {
        let doubled = quoted && characters.peek() == Some(&'"');
        match (character, fields.last_mut()) {
            ('"', Some(field)) if doubled => field.extend(characters.next()),
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => fields.push(String::new()),
            (character, Some(field)) => field.push(character),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_split_where_its_commas_are_no_text() {
        assert_eq!(fields("\"a,b\",\"say \"\"x\"\"\",,c\r\n"), ["a,b", "say \"x\"", "", "c"]);
        assert_eq!(fields(""), [""]);
    }
}
