//! Lines that are typed: what becomes of them.

use agentsnoop_pipeline::{Filter, record::Id};

use super::{Mark, State, Tab};
use crate::tui::{
    action::{Effect, Way},
    hub::Place,
    prompt::{Edit, Prompt, Purpose},
};

impl State {
    pub(super) fn ask(&mut self, purpose: Purpose) {
        if purpose == Purpose::Note && self.current().is_none() {
            return self.say("no event is selected");
        }
        let text = match purpose {
            Purpose::Filter => self.filter.clone(),
            Purpose::Export => "events.jsonl".to_owned(),
            _ => String::new(),
        };
        self.help = None;
        self.prompt = Some(Prompt::new(purpose, &text));
    }

    pub(super) fn edit(&mut self, edit: &Edit) {
        let Some(mut prompt) = self.prompt.take() else { return };
        match edit {
            Edit::Cancel => {}
            Edit::Enter => {
                prompt.check(&self.span());
                if prompt.error.is_some() {
                    self.prompt = Some(prompt);
                    return;
                }
                let text = prompt.line.text();
                self.history.add(prompt.purpose, &text);
                self.entered(prompt.purpose, text.trim());
            }
            _ => {
                let history = self.history.of(prompt.purpose);
                prompt.line.edit(edit, prompt.purpose, &history);
                prompt.check(&self.span());
                self.prompt = Some(prompt);
            }
        }
    }

    fn entered(&mut self, purpose: Purpose, text: &str) {
        match purpose {
            Purpose::Filter => self.set_filter(text),
            Purpose::Search => {
                self.search = None;
                if let Ok(filter) = Filter::parse(text, &self.span())
                    && !text.is_empty()
                {
                    self.search = Some((text.to_owned(), filter));
                    self.search_on(Way::Next);
                }
            }
            Purpose::Place => self.go_to_place(text),
            Purpose::Note => self.note_event(text),
            Purpose::Export => self.export(text),
        }
    }

    /// Begins with a filter; one that cannot be understood is left to be mended.
    pub fn begin_with(&mut self, filter: &str) {
        self.ask(Purpose::Filter);
        for edit in [Edit::Insert(filter.to_owned()), Edit::Enter] {
            self.edit(&edit);
        }
    }

    /// Shows only events that match a filter that can be understood.
    pub(super) fn set_filter(&mut self, text: &str) {
        let Ok(filter) = Filter::parse(text, &self.span()) else { return };
        text.clone_into(&mut self.filter);
        self.list.set_filter((!text.is_empty()).then_some(filter));
        self.tab = Tab::Events;
    }

    /// The next event that is shown and matches the search.
    pub(super) fn search_on(&mut self, way: Way) {
        let Some((_, filter)) = &self.search else { return self.say("nothing was searched for yet: / searches") };
        let mut filter = filter.clone();
        if self.tab != Tab::Events {
            self.tab = Tab::Events;
        }
        let (rows, at) = (self.list.len(), self.list.at());
        let mut matches = |row: &usize| {
            let record = self.list.get(*row).and_then(|number| self.store.get(number));
            record.is_some_and(|record| filter.matches(record))
        };
        let found = match way {
            Way::Next => (at + 1..rows).find(&mut matches).or_else(|| (0..=at.min(rows)).find(&mut matches)),
            Way::Previous => {
                let before = (0..at).rev().find(&mut matches);
                before.or_else(|| (at..rows).rev().find(&mut matches))
            }
        };
        match found {
            Some(row) => self.list.select_row(row),
            None if self.store.first() > 0 => self.say("not found among the events that are in memory"),
            None => self.say("not found among the events that are shown"),
        }
    }

    fn go_to_place(&mut self, text: &str) {
        if text.contains('.')
            && !text.contains(':')
            && let Ok(id) = text.parse::<Id>()
        {
            self.travel(Place::Event(id));
            return;
        }
        match (self.span().covers(text), &self.opened) {
            (Ok(times), Some(opened)) => {
                let after = times.start().saturating_sub(opened.clock.real_ns);
                let boot_ns = opened.clock.boot_ns.saturating_add_signed(after);
                self.go_to_time(boot_ns);
            }
            (Err(error), _) => self.say(error.what().to_owned()),
            (Ok(_), None) => self.say("nothing has been observed yet"),
        }
    }

    fn note_event(&mut self, text: &str) {
        let Some(record) = self.current().and_then(|number| self.store.get(number)) else { return };
        let (id, boot_ns) = (record.id, record.boot_ns);
        let mark = Mark { boot_ns, note: text.to_owned() };
        self.mark(mark.clone());
        if self.ended.is_none() && self.recorder {
            self.unrecorded.push((id, mark));
            self.effects.push(Effect::Mark { boot_ns, note: text.to_owned() });
            self.say(format!("event {id} is marked; the mark is on its way to the recording"));
        } else if self.source.is_live && self.ended.is_none() && self.source.recording.is_some() {
            self.effects.push(Effect::Mark { boot_ns, note: text.to_owned() });
            self.say(format!("event {id} is marked, in the recording too"));
        } else {
            self.say(format!("event {id} is marked, on this screen only"));
        }
    }

    /// Writes the events that are shown, as JSON lines or, to a name that ends in `.txt`, as lines.
    fn export(&mut self, path: &str) {
        if path.is_empty() {
            return;
        }
        self.list.look(&self.store, &self.model.tree, self.head);
        if let Some(percent) = self.list.progress(&self.store, self.head) {
            return self.say(format!("not written: the filter has looked at {percent}% yet; x again when it is done"));
        }
        let lines =
            agentsnoop_pipeline::Lines { utc_offset: self.span().utc_offset, ..agentsnoop_pipeline::Lines::default() };
        let as_lines = path.ends_with(".txt");
        let mut text = String::new();
        let numbers = (0..self.list.len()).filter_map(|row| self.list.get(row));
        let records = numbers.filter_map(|number| self.store.get(number));
        for record in records {
            if as_lines {
                lines.render(record, &mut text);
            } else if let Ok(json) = serde_json::to_string(record) {
                text.push_str(&json);
                text.push('\n');
            }
        }
        let which = if self.store.first() > 0 { ", older ones are not in memory: `query` finds all" } else { "" };
        self.say(format!("{} events to {path}{which}", self.list.len()));
        self.effects.push(Effect::Write { path: path.to_owned(), text });
    }
}
