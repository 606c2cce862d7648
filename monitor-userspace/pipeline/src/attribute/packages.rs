//! What is known about the packages of scripts.

use std::sync::Arc;

use crate::hash::Map;

/// Scripts whose package is remembered; when there are more, all are forgotten and asked about again.
const SCRIPTS: usize = 1024;

/// Answers to [`crate::Request::Package`], by script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packages {
    answers: Map<Arc<str>, Answer>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was asked for and has not come.
    Asked,
    /// It has come.
    Known(Option<String>),
}

impl Answer {
    /// The answer where it has come: the name, where there is one.
    fn known(&self) -> Option<Option<&str>> {
        match self {
            Self::Asked => None,
            Self::Known(name) => Some(name.as_deref()),
        }
    }
}

impl Packages {
    /// What is known; a script that is not known counts as asked from now on, and `true` says that it was not before.
    pub(crate) fn ask(&mut self, script: &str) -> (Arc<str>, Answer, bool) {
        if let Some((script, answer)) = self.answers.get_key_value(script) {
            return (Arc::clone(script), answer.clone(), false);
        }
        self.make_room();
        let script: Arc<str> = Arc::from(script);
        self.answers.insert(Arc::clone(&script), Answer::Asked);
        (script, Answer::Asked, true)
    }

    /// Takes an answer.
    pub(crate) fn answer(&mut self, script: &str, name: Option<&str>) {
        if !self.answers.contains_key(script) {
            self.make_room();
        }
        self.answers.insert(Arc::from(script), Answer::Known(name.map(str::to_owned)));
    }

    /// Every script that was asked about, with the answer where it has come; sorted.
    pub(crate) fn known(&self) -> Vec<(&str, Option<Option<&str>>)> {
        let mut known: Vec<_> = self.answers.iter().map(|(script, found)| (&**script, found.known())).collect();
        known.sort_unstable();
        known
    }

    fn make_room(&mut self) {
        if self.answers.len() >= SCRIPTS {
            self.answers.clear();
        }
    }
}
