//! Whether a tree is an agent's.

use bytes::Bytes;
use monitor_common::{Header, Kind, decode, decode::Body};

use super::{Admit, Cause, State};
use crate::{
    Request,
    attribute::{
        Answer,
        agents::{Program, Verdict},
    },
    event::{bodies, peek},
    input::Input,
    record::Text,
};

impl Admit {
    /// What a record of an undecided tree decides: `Some(true)` for an agent, `None` when nothing yet. Any process of
    /// the tree may turn out to be the agent; only the root's own program can exclude it.
    pub(super) fn judge(&mut self, header: &Header, bytes: &Bytes, requests: &mut Vec<Request>) -> Option<bool> {
        if peek::kind(bytes) != Some(Kind::Exec) {
            return None;
        }
        let is_root = header.pid == header.root;
        let no = || is_root.then_some(false);
        let Ok(decode::Record { body: Body::Exec(fixed, texts), .. }) = decode::record(bytes) else { return no() };
        let exec = bodies::exec(&fixed, &texts, header, bytes);
        let program = Program {
            exe: exec.path.as_ref().map(Text::as_bytes),
            argv: &exec.argv,
            cwd: exec.cwd.as_ref().map(Text::as_bytes),
        };
        let script = match self.catalogue.recognise(program) {
            Verdict::Agent { .. } => return Some(true),
            Verdict::Helper { .. } | Verdict::None => return no(),
            Verdict::Wrapper => return None,
            Verdict::Ask { script } => script,
        };
        let (script, answer, is_new) = self.packages.ask(&script);
        if let Answer::Known(name) = answer {
            let is_agent = name.is_some_and(|name| self.catalogue.package(&name).is_some());
            return if is_agent { Some(true) } else { no() };
        }
        if is_new {
            requests.push(Request::Package { script: script.to_string() });
        }
        if let Some(State::Held(held)) = self.roots.get_mut(&header.root) {
            held.asked.push(script);
        }
        None
    }

    /// The package of a script is known.
    pub(super) fn answered(
        &mut self,
        script: &str,
        name: Option<&str>,
        out: &mut Vec<Input>,
        requests: &mut Vec<Request>,
    ) {
        self.packages.answer(script, name);
        let is_agent = name.is_some_and(|name| self.catalogue.package(name).is_some());
        let waits =
            |state: &State| matches!(state, State::Held(held) if held.asked.iter().any(|asked| &**asked == script));
        let waiting: Vec<u32> = self.roots.iter().filter(|(_, state)| waits(state)).map(|(root, _)| *root).collect();
        for root in waiting {
            if is_agent {
                self.promote(root, out, requests);
            } else if let Some(State::Held(held)) = self.roots.get_mut(&root) {
                held.asked.retain(|asked| &**asked != script);
                if held.asked.is_empty() {
                    self.reject(root, Cause::Unknown, requests);
                }
            }
        }
    }
}
