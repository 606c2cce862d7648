//! From the words of a filter to what is applied.

use std::{iter::Peekable, vec::IntoIter};

use super::{
    FilterError, Span,
    expr::Expr,
    field::{Context, Want},
    lexer::{Token, What, tokens},
    subtree::Subtrees,
};

/// How deep parentheses and negations nest at most: each takes some stack.
const DEPTH: usize = 64;

/// Understands a filter; one without a word wants everything.
///
/// # Errors
///
/// What is wrong, and where.
pub(super) fn parse(filter: &str, span: &Span, subtrees: &mut Subtrees) -> Result<Expr, FilterError> {
    let tokens = tokens(filter)?.into_iter().peekable();
    let mut parser = Parser { filter, tokens, context: Context { filter, span, subtrees }, depth: 0 };
    if parser.tokens.peek().is_none() {
        return Ok(Expr::Any);
    }
    let expr = parser.either()?;
    match parser.tokens.next() {
        None => Ok(expr),
        Some(token) => Err(FilterError::new(filter, token.place, "nothing is open that this could close")),
    }
}

struct Parser<'a> {
    filter: &'a str,
    tokens: Peekable<IntoIter<Token>>,
    context: Context<'a>,
    depth: usize,
}

impl Parser<'_> {
    fn either(&mut self) -> Result<Expr, FilterError> {
        let mut some = vec![self.all()?];
        while self.tokens.next_if(|token| token.what == What::Or).is_some() {
            some.push(self.all()?);
        }
        Ok(one_or(some, Expr::Either))
    }

    fn all(&mut self) -> Result<Expr, FilterError> {
        let mut all = vec![self.not()?];
        loop {
            let is_and = self.tokens.next_if(|token| token.what == What::And).is_some();
            let goes_on = self.tokens.peek().is_some_and(|token| !matches!(token.what, What::Or | What::Close));
            if !is_and && !goes_on {
                return Ok(one_or(all, Expr::All));
            }
            all.push(self.not()?);
        }
    }

    fn not(&mut self) -> Result<Expr, FilterError> {
        let end = self.filter.len();
        let Some(token) = self.tokens.next() else {
            return Err(FilterError::new(self.filter, end..end, "something is missing at the end"));
        };
        match token.what {
            What::Not => Ok(Expr::Not(Box::new(self.deeper(&token.place, Self::not)?))),
            What::Open => {
                let expr = self.deeper(&token.place, Self::either)?;
                match self.tokens.next() {
                    Some(Token { what: What::Close, .. }) => Ok(expr),
                    _ => Err(FilterError::new(self.filter, token.place, "this parenthesis is not closed")),
                }
            }
            What::Word(word) => Ok(Expr::Want(None, Want::shown(&word))),
            What::Term(field, tests) => {
                let want = Want::parse(&field, &tests, token.place, &mut self.context)?;
                Ok(Expr::Want(super::field::known(&field), want))
            }
            What::Close | What::And | What::Or => {
                Err(FilterError::new(self.filter, token.place, "something is missing before this"))
            }
        }
    }

    fn deeper(
        &mut self,
        place: &std::ops::Range<usize>,
        parse: fn(&mut Self) -> Result<Expr, FilterError>,
    ) -> Result<Expr, FilterError> {
        if self.depth == DEPTH {
            let what = format!("parentheses and negations nest {DEPTH} deep at most");
            return Err(FilterError::new(self.filter, place.clone(), what));
        }
        self.depth += 1;
        let expr = parse(self);
        self.depth -= 1;
        expr
    }
}

fn one_or(mut several: Vec<Expr>, together: fn(Vec<Expr>) -> Expr) -> Expr {
    if several.len() == 1 { several.swap_remove(0) } else { together(several) }
}
