//! The *command line* of a Windows program: one string, which the program itself splits into arguments by the
//! rules of Microsoft's C runtime ("Parsing C++ command-line arguments", and CommandLineToArgvW).
//!
//! Quotes group; a backslash is itself except before a quote, where two are one and an odd one makes the quote
//! an ordinary character.

/// The arguments as one string.
pub fn join<'a>(arguments: impl IntoIterator<Item = &'a str>) -> String {
    arguments.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// The arguments in such a string.
pub fn split(line: &str) -> Vec<String> {
    let (mut arguments, mut argument, mut started) = (Vec::new(), String::new(), false);
    let (mut in_quotes, mut backslashes) = (false, 0);
    for character in line.chars() {
        match character {
            '\\' => {
                backslashes += 1;
                started = true;
                continue;
            }
            '"' => {
                argument.extend(std::iter::repeat_n('\\', backslashes / 2));
                if backslashes % 2 == 1 {
                    argument.push('"');
                } else {
                    in_quotes = !in_quotes;
                }
                started = true;
            }
            ' ' | '\t' if !in_quotes => {
                argument.extend(std::iter::repeat_n('\\', backslashes));
                if started {
                    arguments.push(std::mem::take(&mut argument));
                }
                started = false;
            }
            _ => {
                argument.extend(std::iter::repeat_n('\\', backslashes));
                argument.push(character);
                started = true;
            }
        }
        backslashes = 0;
    }
    argument.extend(std::iter::repeat_n('\\', backslashes));
    if started {
        arguments.push(argument);
    }
    arguments
}

fn quoted(argument: &str) -> String {
    if !argument.is_empty() && !argument.contains([' ', '\t', '"']) {
        return argument.to_owned();
    }
    let (mut quoted, mut backslashes) = (String::from('"'), 0);
    for character in argument.chars() {
        match character {
            '\\' => backslashes += 1,
            '"' => {
                quoted.extend(std::iter::repeat_n('\\', backslashes + 1)); // those before are doubled
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        quoted.push(character);
    }
    quoted.extend(std::iter::repeat_n('\\', backslashes));
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_documentation() {
        for (line, arguments) in [
            (r#""abc" d e"#, &["abc", "d", "e"][..]),
            (r#"a\\b d"e f"g h"#, &[r"a\\b", "de fg", "h"]),
            (r#"a\\\"b c d"#, &[r#"a\"b"#, "c", "d"]),
            (r#"a\\\\"b c" d e"#, &[r"a\\b c", "d", "e"]),
            (r#""" x"#, &["", "x"]),
        ] {
            assert_eq!(split(line), arguments, "{line}");
        }
        assert_eq!(join(["--home", r"C:\my home\", r#"say "hi""#]), r#"--home "C:\my home\\" "say \"hi\"""#);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]
        #[test]
        fn what_is_joined_is_split_again(arguments in prop::collection::vec(r#"([a\\" ]|\PC)*"#, 0..4)) {
            let line = join(arguments.iter().map(String::as_str));
            prop_assert_eq!(split(&line), arguments);
        }
    }
}
