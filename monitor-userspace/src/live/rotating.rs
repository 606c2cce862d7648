//! From one segment of the recording to the next.

use agentsnoop_pipeline::{
    input::{Closed, Config, Input, Known, Opened},
    record::Id,
};

use super::{Live, clock};

impl Live {
    /// Passes on what has happened to segments, and begins the next one where it is due.
    pub(super) fn rotate_if_due(&mut self) {
        for news in self.outputs.news() {
            self.feed(news);
        }
        // What admit holds came before and would be missing in the segment that ends; it decides within seconds.
        if self.outputs.is_due() && self.admit.held() == 0 {
            self.rotate();
        }
    }

    fn rotate(&mut self) {
        let (Some(opened), config) = (self.pipeline.opened().cloned(), self.pipeline.config().cloned()) else { return };
        let (in_flight, in_flight_by_kind) = self.in_flight();
        let counters = self.settled_counters();
        let held = self.kernel.held_calls();
        let boot_ns = clock::boot_ns();
        let reason = "goes on in the next segment".to_owned();
        let closed = Closed { boot_ns, reason, counters, in_flight, in_flight_by_kind, held, inputs: 0, next: None };
        let known = self.pipeline.restate(&mut self.records);
        for record in std::mem::take(&mut self.records) {
            self.outputs.record(&record);
        }
        let hooks = self.kernel.hooks().to_vec();
        let first =
            |segment, before| first_inputs(Opened { segment, hooks, continues: Some(before), ..opened }, config, known);
        if let Some((segment, index)) = self.outputs.next_segment(closed, first) {
            self.pipeline.go_on_at(Id { segment, index, part: 0 });
        }
    }
}

/// What a segment begins with, so that it can be read alone.
fn first_inputs(opened: Opened, config: Option<Config>, known: Vec<Known>) -> Vec<Input> {
    let begun = [Some(Input::Opened(Box::new(opened))), config.map(|config| Input::Config(Box::new(config)))];
    let known = known.into_iter().map(|known| Input::Known(Box::new(known)));
    begun.into_iter().flatten().chain(known).collect()
}
