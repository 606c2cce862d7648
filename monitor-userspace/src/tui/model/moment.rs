//! A model as it was when so many events had been learned.

use serde::{Deserialize, Serialize};

use super::{
    Bursts, Model, Observation, Rate, Touch, catalog,
    learn::{Endpoint, Fact, File, Variable},
    tree,
};

/// What a model was at a moment. Moments of one model share what has not changed between them, so that one more costs little.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Events before it, those too that tell of the observation alone.
    pub number: u64,
    /// See [`Model::tree`].
    pub tree: tree::Shown,
    /// See [`Model::files`].
    pub files: catalog::Shown<File>,
    /// See [`Model::endpoints`].
    pub endpoints: catalog::Shown<Endpoint>,
    /// See [`Model::variables`].
    pub variables: catalog::Shown<Variable>,
    /// See [`Model::host`].
    pub host: catalog::Shown<Fact>,
    /// The rest.
    pub rest: Rest,
}

/// What is small in a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// See [`Model::observation`].
    pub observation: Observation,
    /// See [`Model::rate`].
    pub rate: Rate,
    /// See [`Model::touches`].
    pub touches: (u64, Option<Touch>),
    /// See [`Model::now_ns`].
    pub now_ns: u64,
    /// See [`Model::events`].
    pub events: u64,
    /// See [`Model::bursts`].
    pub bursts: Bursts,
}

impl Model {
    /// What it is now, `number` events after the beginning.
    #[must_use]
    pub fn moment(&self, number: u64) -> Moment {
        Moment {
            number,
            tree: self.tree.shown().clone(),
            files: self.files.shown().clone(),
            endpoints: self.endpoints.shown().clone(),
            variables: self.variables.shown().clone(),
            host: self.host.shown().clone(),
            rest: Rest {
                observation: self.observation.clone(),
                rate: self.rate.clone(),
                touches: self.touches.clone(),
                now_ns: self.now_ns,
                events: self.events,
                bursts: self.bursts.clone(),
            },
        }
    }

    /// Becomes what it was, or will be, at a moment of the same events.
    pub fn become_as(&mut self, moment: &Moment) {
        self.tree.become_as(&moment.tree);
        self.files.become_as(&moment.files);
        self.endpoints.become_as(&moment.endpoints);
        self.variables.become_as(&moment.variables);
        self.host.become_as(&moment.host);
        let Rest { observation, rate, touches, now_ns, events, bursts } = moment.rest.clone();
        (self.observation, self.rate, self.touches) = (observation, rate, touches);
        (self.now_ns, self.events, self.bursts) = (now_ns, events, bursts);
    }
}
