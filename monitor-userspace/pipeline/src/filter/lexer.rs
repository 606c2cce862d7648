//! The words of a filter.

use std::ops::Range;

use super::{FilterError, field};

/// A part of a filter, with the bytes of the filter that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) what: What,
    pub(super) place: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Open,
    Close,
    Not,
    And,
    Or,
    /// Something to look for in any place.
    Word(String),
    /// A field and what it is tested for.
    Term(String, Vec<Test>),
}

/// What a field is tested for, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) operator: Operator,
    pub(super) value: String,
    /// The value was in quotes: its characters mean themselves.
    pub(super) quoted: bool,
    pub(super) place: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// None is written.
    Like,
    Equal,
    Regex,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Operator {
    /// As they are written, those first that begin like another one.
    const WRITTEN: [(&'static str, Self); 7] = [
        ("==", Self::Equal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("<", Self::Less),
        (">", Self::Greater),
        ("=", Self::Equal),
        ("~", Self::Regex),
    ];
}

/// Takes a filter apart.
///
/// # Errors
///
/// A quote that is not closed, or a field without a value.
pub(super) fn tokens(filter: &str) -> Result<Vec<Token>, FilterError> {
    let mut lexer = Lexer { filter, at: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    filter: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.filter[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn token(&mut self) -> Result<Option<Token>, FilterError> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
        let start = self.at;
        let what = match self.peek() {
            None => return Ok(None),
            Some('(') => self.sign(What::Open),
            Some(')') => self.sign(What::Close),
            Some('!') => self.sign(What::Not),
            Some('"') => What::Word(self.quoted()?),
            Some(_) => self.word()?,
        };
        Ok(Some(Token { what, place: start..self.at }))
    }

    fn sign(&mut self, what: What) -> What {
        self.next();
        what
    }

    /// A word that stands alone, or a field with its tests.
    fn word(&mut self) -> Result<What, FilterError> {
        let start = self.at;
        while self.peek().is_some_and(|char| !ends_word(char) && char != ':') {
            self.next();
        }
        let word = self.filter[start..self.at].to_owned();
        let is_field =
            !word.is_empty() && word.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.'));
        if self.peek() == Some(':') && is_field {
            self.next();
            return Ok(What::Term(word, self.tests(start)?));
        }
        while self.peek().is_some_and(|char| !ends_word(char)) {
            self.next();
        }
        let word = &self.filter[start..self.at];
        let (name, rest) = word.split_at(word.find(['<', '>', '=', '~', '!']).unwrap_or(0));
        if field::known(name).is_some() {
            let what = match rest.strip_prefix('!') {
                Some(value) => {
                    let value = value.trim_start_matches([':', '=']);
                    format!("`not` stands before a field: `not {name}:{value}`; text that has this is put in quotes")
                }
                None => format!("a field ends with a colon: `{name}:{rest}`; text that has this is put in quotes"),
            };
            return Err(FilterError::new(self.filter, start..self.at, what));
        }
        Ok(match word {
            "&&" => What::And,
            "||" => What::Or,
            word if word.eq_ignore_ascii_case("and") => What::And,
            word if word.eq_ignore_ascii_case("or") => What::Or,
            word if word.eq_ignore_ascii_case("not") => What::Not,
            word => What::Word(word.to_owned()),
        })
    }

    /// What stands behind the colon of a field that begins at `start`.
    fn tests(&mut self, start: usize) -> Result<Vec<Test>, FilterError> {
        let mut tests = vec![self.test(start)?];
        while self.peek() == Some(',') {
            self.next();
            tests.push(self.test(start)?);
        }
        Ok(tests)
    }

    fn test(&mut self, start: usize) -> Result<Test, FilterError> {
        let begin = self.at;
        let rest = &self.filter[self.at..];
        let written = Operator::WRITTEN.into_iter().find(|(written, _)| rest.starts_with(written));
        let operator = written.map_or(Operator::Like, |(written, operator)| {
            self.at += written.len();
            operator
        });
        let (value, quoted) =
            if self.peek() == Some('"') { (self.quoted()?, true) } else { (self.bare(operator), false) };
        if value.is_empty() && !quoted {
            let what = "a value is missing behind the colon; an empty one is \"\"";
            return Err(FilterError::new(self.filter, start..self.at, what));
        }
        if quoted && self.peek().is_some_and(|char| !char.is_whitespace() && !matches!(char, ',' | '(' | ')')) {
            let what = "nothing may follow a closing quote but a comma, a parenthesis or a space";
            return Err(FilterError::new(self.filter, begin..self.at, what));
        }
        Ok(Test { operator, value, quoted, place: begin..self.at })
    }

    /// A value without quotes. In an expression a comma and parentheses are its own; elsewhere they end the value, but for a
    /// comma between braces, which parts what a wildcard can be.
    fn bare(&mut self, operator: Operator) -> String {
        let start = self.at;
        let (mut depth, mut braces) = (0usize, 0usize);
        while let Some(char) = self.peek() {
            let ends = match char {
                _ if char.is_whitespace() => true,
                '(' if operator == Operator::Regex => {
                    depth += 1;
                    false
                }
                ')' if operator == Operator::Regex && depth > 0 => {
                    depth -= 1;
                    false
                }
                '(' | ')' => true,
                '{' => {
                    braces += 1;
                    false
                }
                '}' => {
                    braces = braces.saturating_sub(1);
                    false
                }
                ',' => operator != Operator::Regex && braces == 0,
                _ => false,
            };
            if ends {
                break;
            }
            self.next();
        }
        self.filter[start..self.at].to_owned()
    }

    /// What stands in double quotes, in which a backslash makes the next character mean itself.
    fn quoted(&mut self) -> Result<String, FilterError> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') if matches!(self.peek(), Some('"' | '\\')) => text.extend(self.next()),
                Some(char) => text.push(char),
                None => return Err(FilterError::new(self.filter, start..self.at, "this quote is not closed")),
            }
        }
    }
}

fn ends_word(char: char) -> bool {
    char.is_whitespace() || matches!(char, '(' | ')' | '"')
}
