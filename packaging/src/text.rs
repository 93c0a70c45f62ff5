//! Text for package managers, which want short lines.

/// Words in lines of at most `width` characters.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_longer_unless_a_word_is() {
        assert_eq!(wrap("one two  three\nunbreakable", 7), ["one two", "three", "unbreakable"]);
        assert_eq!(wrap(" ", 7), [""; 0]);
    }
}
