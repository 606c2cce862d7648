//! From an event to what belongs to it, and out of the screen.

use agentsnoop_pipeline::{
    Record,
    record::{Body, Text},
};

use super::{Focus, State, Tab, shell};
use crate::tui::{action::Effect, model::Key};

impl State {
    /// The selected event.
    fn event(&self) -> Option<&Record> {
        self.current().and_then(|number| self.store.get(number))
    }

    /// Selects the process that made the one of the event, or the node above in the tree.
    pub(super) fn parent(&mut self) {
        let place = match self.focus {
            Focus::Tree => self.model.tree.find(self.trunk.selected()),
            _ => self
                .event()
                .and_then(|record| record.process.as_ref())
                .and_then(|process| self.model.tree.find(&Key::Process(process.image.id))),
        };
        let Some(place) = place else { return self.say("its process is not known") };
        let node = self.model.tree.node(place);
        // In the list, the process itself comes first: from there it goes up.
        let is_there = *self.trunk.selected() == node.key;
        let to = if is_there { self.model.tree.node(node.parent).key.clone() } else { node.key.clone() };
        self.trunk.select(&self.model.tree, &to);
        self.narrow_around();
    }

    /// Shows the events of the selected node, and the selected one of them still, where it is one.
    fn narrow_around(&mut self) {
        let current = self.current();
        self.narrow();
        if let Some(number) = current.filter(|_| self.focus != Focus::Tree) {
            self.list.select(number);
        }
    }

    /// Selects the tool call of the event.
    pub(super) fn tool_call(&mut self) {
        let call = self.event().and_then(|record| record.tool_call.clone()).map(Key::Call);
        let session = self
            .event()
            .and_then(|record| record.agent.as_ref())
            .map(|agent| Key::Session(agent.session.as_str().into()));
        match call.or(session) {
            Some(key) => {
                let is_call = matches!(key, Key::Call(_));
                self.trunk.select(&self.model.tree, &key);
                self.narrow_around();
                if !is_call {
                    self.say("the event belongs to no tool call: its agent is selected");
                }
            }
            None => self.say("the event belongs to no agent"),
        }
    }

    /// Shows all events of the same thing.
    pub(super) fn same(&mut self) {
        let thing = match self.tab {
            Tab::Coverage => None,
            _ => self.event().and_then(|record| same(record, self.tab)),
        };
        match thing {
            Some(filter) => {
                self.history.add(crate::tui::prompt::Purpose::Filter, &filter);
                self.trunk.select(&self.model.tree, &Key::All);
                self.list.set_scope(None);
                self.list.noise = true;
                self.set_filter(&filter);
                self.focus = Focus::Main;
            }
            None if self.current().is_some() && self.event().is_none() => {
                self.say("its last event is not in memory; : goes to its time");
            }
            None => self.say("the event is about nothing that others could be about"),
        }
    }

    pub(super) fn copy_json(&mut self) {
        match self.event().map(serde_json::to_string) {
            Some(Ok(json)) => self.copy(json, "the event as JSON"),
            _ => self.say("no event is selected"),
        }
    }

    pub(super) fn copy_shell(&mut self) {
        match self.event().and_then(shell::line) {
            Some((line, None)) => self.copy(line, "a line for a shell"),
            Some((line, Some(but))) => self.copy(line, &format!("a line for a shell, {but}")),
            None => self.say("only programs, files and tool calls make a line for a shell"),
        }
    }

    fn copy(&mut self, text: String, what: &str) {
        self.effects.push(Effect::Copy(text));
        self.say(format!("copied: {what}"));
    }
}

/// The path that an event is about: that of a file, a program, a unix socket; of two, the one that was made.
pub(super) fn path(record: &Record) -> Option<&Text> {
    match &record.body {
        Body::Exec(exec) => exec.path.as_ref(),
        Body::Open(open) => open.path.as_ref().or(open.requested.as_ref()),
        Body::Stat(stat) => stat.path.as_ref().or(stat.requested.as_ref()),
        Body::Readlink(link) => link.path.as_ref().or(link.requested.as_ref()),
        Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => pair.to.as_ref().or(pair.from.as_ref()),
        Body::Unlink(change)
        | Body::Mkdir(change)
        | Body::Chmod(change)
        | Body::Chown(change)
        | Body::Truncate(change) => change.path.as_ref().or(change.requested.as_ref()),
        Body::Connect(connect) => connect.path.as_ref(),
        Body::Traffic(traffic) => traffic.path.as_ref(),
        _ => None,
    }
}

/// A filter that lets the events of the same thing through.
fn same(record: &Record, tab: Tab) -> Option<String> {
    let by_path = || path(record).map(|path| format!("path:={}", quoted(&path.to_str())));
    match &record.body {
        Body::Exec(_) if tab == Tab::Variables => None,
        Body::Exec(_)
        | Body::Open(_)
        | Body::Stat(_)
        | Body::Readlink(_)
        | Body::Rename(_)
        | Body::Link(_)
        | Body::Symlink(_)
        | Body::Unlink(_)
        | Body::Mkdir(_)
        | Body::Chmod(_)
        | Body::Chown(_)
        | Body::Truncate(_) => by_path(),
        Body::Connect(connect) => endpoint(connect.address, connect.port).or_else(by_path),
        Body::Traffic(traffic) => endpoint(traffic.address, traffic.port).or_else(by_path),
        Body::Name(name) => endpoint(name.address, name.port),
        Body::Dns(dns) => dns.question.as_ref().map(|name| format!("host:={}", quoted(&name.to_str()))),
        Body::Getenv(getenv) => getenv.name.as_ref().map(|name| format!("var:={}", quoted(&name.to_str()))),
        Body::Metadata(call) | Body::Attention(call) | Body::Identity(call) => {
            Some(format!("call:={}", quoted(&call.call)))
        }
        Body::Fork(fork) => Some(format!("pid:{}", fork.child_pid)),
        _ => record.process.as_ref().map(|process| format!("pid:{}", process.image.id.pid)),
    }
}

fn endpoint(address: Option<std::net::IpAddr>, port: Option<u16>) -> Option<String> {
    let address = address?;
    Some(match port {
        Some(port) => format!("address:{address} port:{port}"),
        None => format!("address:{address}"),
    })
}

/// A value in which every character stands for itself.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
