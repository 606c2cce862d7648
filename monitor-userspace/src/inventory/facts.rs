//! What a document of settings says, by the rules for its keys.

use serde_json::{Map, Value as Json};

use super::{
    clean::Clean,
    report::{Account, Hook, Known, Server, Settings, Switch, Value},
    rules::{AccountRule, Key, Step, Variables},
};

/// Values of one kind that are kept of one file, and entries of one list.
const VALUES: usize = 200;

/// How deep a setting is looked into that is an object.
const DEPTH: usize = 6;

/// A value that a key leads to: the names on the way, and those that a `*` stood for.
pub(super) struct Found<'a> {
    way: Vec<String>,
    /// What the first `*` stood for.
    each: Option<String>,
    value: &'a Json,
}

impl<'a> Found<'a> {
    fn key(&self) -> String {
        self.way.join(".")
    }

    /// The names in it, where it is an object.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a String> + use<'a> {
        self.value.as_object().into_iter().flat_map(Map::keys)
    }
}

/// The values that a key leads to.
pub(super) fn select<'a>(document: &'a Json, key: &Key) -> Vec<Found<'a>> {
    let mut found = vec![Found { way: Vec::new(), each: None, value: document }];
    for step in &key.0 {
        let mut next = Vec::new();
        for Found { way, each, value } in found {
            let mut push = |name: &str, value: &'a Json, is_each: bool| {
                let mut way = way.clone();
                way.push(name.to_owned());
                let each = each.clone().or_else(|| is_each.then(|| name.to_owned()));
                next.push(Found { way, each, value });
            };
            match (step, value) {
                (Step::Name(name), Json::Object(map)) => {
                    if let Some(value) = map.get(name) {
                        push(name, value, false);
                    }
                }
                (Step::Each, Json::Object(map)) => map.iter().for_each(|(name, value)| push(name, value, true)),
                (Step::Each, Json::Array(list)) => {
                    list.iter().enumerate().for_each(|(at, value)| push(&at.to_string(), value, true));
                }
                _ => {}
            }
        }
        found = next;
    }
    found
}

/// What a document says.
pub(super) struct Facts<'a> {
    pub(super) clean: &'a mut Clean,
    pub(super) document: &'a Json,
    pub(super) into: &'a mut Settings,
}

impl Facts<'_> {
    /// Values as they are, of addresses only scheme and host.
    pub(super) fn permissions(&mut self, keys: &[Key]) {
        for found in keys.iter().flat_map(|key| select(self.document, key)) {
            flatten(self.clean, &found.key(), found.value, DEPTH, &mut self.into.permissions);
        }
    }

    /// Switches and addresses of telemetry; of an object only its names.
    pub(super) fn telemetry(&mut self, keys: &[Key]) {
        for found in keys.iter().flat_map(|key| select(self.document, key)) {
            let value = match found.value {
                Json::Object(map) => Some(Value::List(names(self.clean, map))),
                other => scalar(self.clean, other),
            };
            push(&mut self.into.telemetry, &found.key(), value, self.clean);
        }
    }

    pub(super) fn endpoints(&mut self, keys: &[Key]) {
        for found in keys.iter().flat_map(|key| select(self.document, key)) {
            let value = found.value.as_str().map(|url| Value::Text(self.clean.origin(url)));
            push(&mut self.into.endpoints, &found.key(), value, self.clean);
        }
    }

    pub(super) fn proxies(&mut self, keys: &[Key]) {
        for found in keys.iter().flat_map(|key| select(self.document, key)) {
            let value = found.value.as_str().filter(|url| !url.is_empty());
            let value = value.map(|url| Value::Text(self.clean.origin(url)));
            push(&mut self.into.proxies, &found.key(), value, self.clean);
        }
    }

    /// Variables that an agent is given: what their names mean, for all agents and for this one.
    pub(super) fn variables(&mut self, keys: &[Key], variables: [&Variables; 2]) {
        for found in keys.iter().flat_map(|key| select(self.document, key)) {
            let Json::Object(map) = found.value else { continue };
            for (name, value) in map {
                let mut way = found.way.clone();
                way.push(name.clone());
                let key = way.join(".");
                let is =
                    |list: fn(&Variables) -> &Vec<String>| variables.iter().any(|known| list(known).contains(name));
                let text = value.as_str().filter(|text| !text.is_empty());
                if is(|known| &known.endpoint) {
                    let origin = text.map(|url| Value::Text(self.clean.origin(url)));
                    push(&mut self.into.endpoints, &key, origin, self.clean);
                } else if is(|known| &known.proxy) {
                    let is_list = name.eq_ignore_ascii_case("no_proxy");
                    let value = text.map(|url| match is_list {
                        true => Value::Text(self.clean.text(url)),
                        false => Value::Text(self.clean.origin(url)),
                    });
                    push(&mut self.into.proxies, &key, value, self.clean);
                } else if is(|known| &known.telemetry) {
                    let value = scalar(self.clean, value);
                    push(&mut self.into.telemetry, &key, value, self.clean);
                } else if let Some(kind) = variables.iter().find_map(|known| known.account.get(name))
                    && is_there(value)
                {
                    self.account_of(*kind, &key);
                }
            }
        }
    }

    pub(super) fn accounts(&mut self, rules: &[AccountRule]) {
        for rule in rules {
            for found in select(self.document, &rule.at) {
                let told = found.value.as_str().and_then(|value| rule.is.get(value)).copied();
                if let Some(kind) = told.or(rule.present.filter(|_| is_there(found.value))) {
                    self.account_of(kind, &found.key());
                }
            }
        }
        // That somebody has logged in says nothing where the same file tells the kind of account.
        let is_told = |known: &Known| matches!(known.kind, Account::Enterprise | Account::Team | Account::Personal);
        if self.into.accounts.iter().any(is_told) {
            self.into.accounts.retain(|known| known.kind != Account::Login);
        }
    }

    fn account_of(&mut self, kind: Account, key: &str) {
        let known = Known { kind, key: self.clean.text(key) };
        let accounts = &mut self.into.accounts;
        if accounts.len() < VALUES && !accounts.contains(&known) {
            accounts.push(known);
        }
    }

    /// Servers by name, below each of the keys.
    pub(super) fn servers(&mut self, keys: &[Key]) {
        for found in keys.iter().flat_map(|key| select(self.document, key)) {
            let Json::Object(map) = found.value else { continue };
            for (name, server) in map.iter().take(VALUES) {
                let Json::Object(server) = server else { continue };
                let server = server_of(self.clean, name, server, found.each.as_deref());
                self.into.mcp_servers.push(server);
            }
        }
    }

    /// Hooks by event, below each of the keys. Agents nest them differently: what has a command or an address is one.
    pub(super) fn hooks(&mut self, keys: &[Key]) {
        for found in keys.iter().flat_map(|key| select(self.document, key)) {
            let Json::Object(map) = found.value else { continue };
            for (event, hooks) in map.iter().filter(|(_, hooks)| hooks.is_array()) {
                collect_hooks(self.clean, event, None, hooks, DEPTH, &mut self.into.hooks);
            }
        }
    }
}

fn collect_hooks(
    clean: &mut Clean,
    event: &str,
    matcher: Option<&str>,
    value: &Json,
    depth: usize,
    into: &mut Vec<Hook>,
) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Json::Array(list) => list.iter().for_each(|item| collect_hooks(clean, event, matcher, item, depth, into)),
        Json::Object(map) => {
            let text = |name: &str| map.get(name).and_then(Json::as_str);
            let matcher = text("matcher").or(matcher).filter(|matcher| !matcher.is_empty());
            if let Some(inner) = map.get("hooks") {
                return collect_hooks(clean, event, matcher, inner, depth, into);
            }
            if into.len() >= VALUES {
                return;
            }
            let command = command_of(map, "command");
            let runs = match (command.is_empty(), text("url")) {
                (false, _) => Some(clean.line(&command)),
                (true, url) => url.map(|url| clean.origin(url)),
            };
            let kind = text("type").map(|kind| clean.text(kind));
            if runs.is_none() && kind.is_none() {
                return;
            }
            into.push(Hook {
                event: clean.text(event),
                matcher: matcher.map(|matcher| clean.text(matcher)),
                kind: kind.unwrap_or_else(|| "command".to_owned()),
                runs,
            });
        }
        _ => {}
    }
}

/// A command with its arguments: one string, or a list of them, and `args`.
fn command_of<'a>(map: &'a Map<String, Json>, name: &str) -> Vec<&'a str> {
    let words = |value: Option<&'a Json>| -> Vec<&'a str> {
        match value {
            Some(Json::String(word)) => vec![word],
            Some(Json::Array(words)) => words.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        }
    };
    let command = words(map.get(name));
    if command.is_empty() { command } else { command.into_iter().chain(words(map.get("args"))).collect() }
}

fn server_of(clean: &mut Clean, name: &str, server: &Map<String, Json>, project: Option<&str>) -> Server {
    let text = |name: &str| server.get(name).and_then(Json::as_str);
    let is = |name: &str, value: bool| server.get(name).and_then(Json::as_bool) == Some(value);
    let command = [command_of(server, "command"), command_of(server, "cmd")].concat();
    let url = ["httpUrl", "url", "serverUrl", "uri"].into_iter().find_map(text);
    let transport = text("type").or_else(|| text("transport")).map(|transport| clean.text(transport));
    let usual = if command.is_empty() && url.is_some() { "http" } else { "stdio" };
    let named = |clean: &mut Clean, keys: &[&str]| -> Vec<String> {
        let maps = keys.iter().filter_map(|key| server.get(*key)?.as_object());
        maps.flat_map(|map| names(clean, map)).collect()
    };
    Server {
        name: clean.text(name),
        transport: transport.unwrap_or_else(|| usual.to_owned()),
        command: (!command.is_empty()).then(|| clean.line(&command)),
        host: url.map(|url| clean.origin(url)),
        env: named(clean, &["env", "environment", "envs"]),
        headers: named(clean, &["headers", "http_headers", "env_http_headers"]),
        enabled: !is("disabled", true) && !is("enabled", false),
        project: project.map(|project| clean.text(project)),
    }
}

/// The names in an object.
fn names(clean: &mut Clean, map: &Map<String, Json>) -> Vec<String> {
    map.keys().take(VALUES).map(|name| clean.text(name)).collect()
}

/// The leaves of a setting, each with its key.
fn flatten(clean: &mut Clean, key: &str, value: &Json, depth: usize, into: &mut Vec<Switch>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let is_structured = |item: &Json| item.is_object() || item.is_array();
    match value {
        Json::Object(map) => {
            map.iter().for_each(|(name, value)| flatten(clean, &format!("{key}.{name}"), value, depth, into));
        }
        Json::Array(list) if list.iter().any(is_structured) => {
            let items = list.iter().enumerate();
            items.for_each(|(at, value)| flatten(clean, &format!("{key}.{at}"), value, depth, into));
        }
        Json::Array(list) => {
            let entries = list.iter().take(VALUES).map(|entry| match entry {
                Json::String(text) => clean.text(text),
                other => clean.text(&other.to_string()),
            });
            let entries = Value::List(entries.collect());
            push(into, key, Some(entries), clean);
        }
        other => {
            let value = scalar(clean, other);
            push(into, key, value, clean);
        }
    }
}

fn push(into: &mut Vec<Switch>, key: &str, value: Option<Value>, clean: &mut Clean) {
    if let Some(value) = value
        && into.len() < VALUES
    {
        into.push(Switch { key: clean.text(key), value });
    }
}

/// A value that is neither list nor object; of an address only scheme and host.
fn scalar(clean: &mut Clean, value: &Json) -> Option<Value> {
    match value {
        Json::Bool(flag) => Some(Value::Flag(*flag)),
        Json::Number(number) => Some(Value::Text(number.to_string())),
        Json::String(text) if text.contains("://") => Some(Value::Text(clean.origin(text))),
        Json::String(text) => Some(Value::Text(clean.text(text))),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Whether there is something: neither null nor empty nor `false`.
fn is_there(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(flag) => *flag,
        Json::Number(_) => true,
        Json::String(text) => !matches!(text.as_str(), "" | "0" | "false"),
        Json::Array(list) => !list.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}
