//! What a tool call changed, ran and talked to.

use serde::{Deserialize, Serialize};

use crate::record::{Body, Connect, Open, Text, ToolCall};

/// Different things of each sort that are told of a tool call; more are counted.
const DIFFERENT: usize = 64;

/// The effects of a tool call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    programs: Vec<Text>,
    written: Vec<Text>,
    removed: Vec<Text>,
    endpoints: Vec<Text>,
    /// Different or not, those that came when a list was full.
    further: u64,
}

/// Whether it is one at all: most of what a tool does is not.
pub(crate) const fn is_one(body: &Body) -> bool {
    match body {
        Body::Open(open) => open.access.writes() && open.result >= 0,
        Body::Exec(_)
        | Body::Rename(_)
        | Body::Link(_)
        | Body::Symlink(_)
        | Body::Mkdir(_)
        | Body::Truncate(_)
        | Body::Unlink(_)
        | Body::Connect(_) => true,
        _ => false,
    }
}

impl Effects {
    pub(super) fn take(&mut self, body: &Body, comm: Option<&Text>) {
        match body {
            Body::Exec(_) => self.put(|own| &mut own.programs, comm),
            Body::Open(Open { path, .. }) => self.write(path.as_ref()),
            Body::Rename(pair) if pair.error.is_none() => {
                self.remove(pair.from.as_ref());
                self.write(pair.to.as_ref());
            }
            Body::Link(pair) | Body::Symlink(pair) if pair.error.is_none() => self.write(pair.to.as_ref()),
            Body::Mkdir(change) | Body::Truncate(change) if change.error.is_none() => self.write(change.path.as_ref()),
            Body::Unlink(change) if change.error.is_none() => self.remove(change.path.as_ref()),
            Body::Connect(connect) => {
                if let Some(endpoint) = endpoint(connect) {
                    self.put(|own| &mut own.endpoints, Some(&endpoint));
                }
            }
            _ => {}
        }
    }

    /// What is made and removed again leaves nothing behind, and is told all the same: others could have seen it.
    fn write(&mut self, path: Option<&Text>) {
        // A device keeps nothing of what is written to it.
        let is_file = |path: &&Text| {
            let path = path.as_bytes();
            path.starts_with(b"/dev/shm/") || !(path.starts_with(b"/dev/") || path.starts_with(b"/proc/"))
        };
        self.put(|own| &mut own.written, path.filter(is_file));
    }

    fn remove(&mut self, path: Option<&Text>) {
        self.put(|own| &mut own.removed, path);
    }

    fn put(&mut self, list: impl Fn(&mut Self) -> &mut Vec<Text>, what: Option<&Text>) {
        let Some(what) = what else { return };
        let known = list(self);
        if known.contains(what) {
            return;
        }
        if known.len() < DIFFERENT {
            known.push(what.detached());
        } else {
            self.further += 1;
        }
    }

    pub(super) fn tell(&self, body: &mut ToolCall) {
        body.programs.clone_from(&self.programs);
        body.written.clone_from(&self.written);
        body.removed.clone_from(&self.removed);
        body.endpoints.clone_from(&self.endpoints);
        body.further = self.further;
    }
}

/// An endpoint by its name where it is known, with its port; of a unix socket its path.
fn endpoint(connect: &Connect) -> Option<Text> {
    if let Some(path) = &connect.path {
        return Some(path.detached());
    }
    let port = connect.port.filter(|port| *port != 0)?;
    match (&connect.name, connect.address) {
        (Some(name), _) => Some(Text::from(format!("{}:{port}", name.to_str()))),
        (None, Some(address)) => Some(Text::from(std::net::SocketAddr::new(address, port).to_string())),
        (None, None) => None,
    }
}
