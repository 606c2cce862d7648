//! What a shell is asked to do: the script behind `-c`, and words without their quotes.

use std::borrow::Cow;

use crate::record::Text;

/// The script that a shell is given with `-c` (sh(1p), bash(1), zsh(1)): the first argument that is no option.
pub(super) fn script(argv: &[Text]) -> Option<&[u8]> {
    let mut arguments = argv.iter().skip(1).map(Text::as_bytes);
    let mut is_given = false;
    while let Some(argument) = arguments.next() {
        match argument {
            b"--" => return arguments.next().filter(|_| is_given),
            // A long option; bash has two that take a file.
            b"--rcfile" | b"--init-file" => drop(arguments.next()),
            [b'-', b'-', ..] => {}
            [b'-' | b'+', options @ ..] if !options.is_empty() => {
                is_given |= argument[0] == b'-' && options.contains(&b'c');
                // The name of an option of the shell follows.
                if matches!(options.last(), Some(b'o' | b'O')) {
                    arguments.next();
                }
            }
            script => return is_given.then_some(script),
        }
    }
    None
}

/// A word of a shell as the shell reads it; unchanged where it is not one whole word.
pub(super) fn unquoted(word: &[u8]) -> Vec<u8> {
    let mut words = shlex::bytes::Shlex::new(word);
    match (words.next(), words.next(), words.had_error) {
        (Some(only), None, false) => only,
        _ => word.to_vec(),
    }
}

/// Arguments as a shell would be given them.
pub(super) fn quoted(argv: &[Text]) -> Vec<u8> {
    let quoter = shlex::bytes::Quoter::new().allow_nul(true);
    let quote = |word: &Text| quoter.quote(word.as_bytes()).map_or_else(|_| word.as_bytes().to_vec(), Cow::into_owned);
    argv.iter().map(quote).collect::<Vec<_>>().join(&b' ')
}

#[cfg(test)]
mod tests {
    use super::{quoted, script, unquoted};
    use crate::record::Text;

    fn of(line: &[&str]) -> Option<String> {
        let argv: Vec<Text> = line.iter().map(|word| Text::from(*word)).collect();
        script(&argv).map(|script| String::from_utf8_lossy(script).into_owned())
    }

    #[test]
    fn the_script_of_a_shell_is_the_first_argument_that_is_no_option() {
        assert_eq!(of(&["bash", "-c", "ls"]).as_deref(), Some("ls"));
        assert_eq!(of(&["bash", "-lc", "ls", "name"]).as_deref(), Some("ls"));
        assert_eq!(of(&["/bin/bash", "-c", "-l", "ls"]).as_deref(), Some("ls"));
        assert_eq!(of(&["bash", "--norc", "-O", "extglob", "+o", "posix", "-c", "ls"]).as_deref(), Some("ls"));
        assert_eq!(of(&["sh", "-e", "-c", "--", "-x"]).as_deref(), Some("-x"));
        assert_eq!(of(&["bash", "--rcfile", "x", "-c", "ls"]).as_deref(), Some("ls"));
        assert_eq!(of(&["bash", "script", "-c", "ls"]), None, "an argument of the script");
        assert_eq!(of(&["bash", "-l"]), None);
        assert_eq!(of(&["bash"]), None);
    }

    #[test]
    fn arguments_are_quoted_where_they_have_to_be() {
        let argv = ["git", "commit", "-m", "two words", "", "$x"].map(Text::from);
        assert_eq!(String::from_utf8(quoted(&argv)).unwrap(), "git commit -m 'two words' '' '$x'");
    }

    #[test]
    fn quotes_of_one_word_are_taken_off_and_nothing_else() {
        let is = |word: &str| String::from_utf8(unquoted(word.as_bytes())).unwrap();
        assert_eq!(is(r#"'cat > '"'"'a b'"'"''"#), "cat > 'a b'");
        assert_eq!(is(r"'it'\''s'"), "it's");
        assert_eq!(is(r#""echo 'a' \"b\"""#), r#"echo 'a' "b""#);
        assert_eq!(is("ls"), "ls");
        assert_eq!(is("two words"), "two words", "not one word");
        assert_eq!(is("'open"), "'open", "not a whole one");
    }
}
