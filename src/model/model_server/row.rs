//! All servers as shown: each keeps its past for as long as it is listed.

use std::{collections::VecDeque, sync::Arc};

use super::{Figures, Flow, Model, ModelServerSample, ModelState, Probed, Server, ServerState, Spread};
use crate::{
    clock::Stamp,
    model::{rate::align, series::Series, span::Span},
};

/// Troubles that are remembered of each server.
const TROUBLES: usize = 20;
/// Tokens of the answer by which servers are compared with their target.
pub const ANSWER: u32 = 64;

/// All servers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelServers {
    pub rows: Vec<ServerRow>,
}

/// What went wrong, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub at: Stamp,
    pub words: String,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerRow {
    pub raw: Server,
    /// Loaded ones first.
    pub models: Vec<ModelRow>,
    /// Since when it is in this state.
    pub since: Option<Stamp>,
    pub troubles: VecDeque<Trouble>,
    /// Tokens a second of all its models, requests that wait, seconds to the first token, share of the KV cache.
    pub tokens_history: Series,
    pub queue_history: Series,
    pub first_token_history: Series,
    pub kv_history: Series,
}

/// One model of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelRow {
    pub raw: Model,
    pub flow: Flow,
    /// What the optional probe found last.
    pub probe: Option<Arc<Probed>>,
    /// Seconds that its last load took, as it was seen or as the server says.
    pub load_seconds: Option<f64>,
    loading_since: Option<Stamp>,
}

impl ModelServers {
    pub fn apply(&mut self, span: Span, sample: ModelServerSample) {
        let names: Vec<String> = sample.servers.iter().map(|server| server.name.clone()).collect();
        let new = |name: &String| ServerRow {
            raw: Server { name: name.clone(), ..Server::default() },
            ..ServerRow::default()
        };
        align(&mut self.rows, &names, |row, name| row.raw.name == *name, new);
        for (row, server) in self.rows.iter_mut().zip(sample.servers) {
            row.apply(span, server);
        }
    }

    #[must_use]
    pub fn named(&self, name: &str) -> Option<&ServerRow> {
        self.rows.iter().find(|row| row.raw.name == name)
    }
}

impl ServerRow {
    fn apply(&mut self, span: Span, raw: Server) {
        let before = std::mem::replace(&mut self.raw, raw);
        let raw = &self.raw;
        if before.state != raw.state || self.since.is_none() {
            self.since = Some(span.at);
            if let Some(why) = raw.state.why() {
                self.troubles.truncate(TROUBLES - 1);
                self.troubles.push_front(Trouble { at: span.at, words: why.to_owned() });
            }
        }
        let Some(at) = raw.at.filter(|at| raw.state.is_well() && before.at != Some(*at)) else {
            if !raw.state.is_well() && before.state.is_well() {
                self.models.iter_mut().for_each(|model| model.flow.stop());
                self.push(span.at, |_| None);
            }
            return;
        };
        let restarted = before.process.is_some() && before.process != raw.process;
        let names: Vec<String> = raw.reading.models.iter().map(|model| model.name.clone()).collect();
        let new =
            |name: &String| ModelRow { raw: Model { name: name.clone(), ..Model::default() }, ..ModelRow::default() };
        align(&mut self.models, &names, |row, name| row.raw.name == *name, new);
        let reading = raw.reading.clone();
        if let Some(probe) = &raw.probe
            && let Some(row) = self.models.iter_mut().find(|row| row.raw.name == probe.model)
        {
            row.probe = Some(probe.clone());
        }
        for (row, model) in self.models.iter_mut().zip(&reading.models) {
            if let Some(why) = model.failure.as_ref().filter(|why| row.raw.failure.as_ref() != Some(*why)) {
                self.troubles.truncate(TROUBLES - 1);
                self.troubles.push_front(Trouble { at, words: format!("{}: {why}", model.name) });
            }
            row.apply(at, model, restarted);
        }
        self.push(at, |row| Some(row));
    }

    /// A step of each history.
    fn push(&mut self, at: Stamp, known: impl Fn(&Self) -> Option<&Self>) {
        let row = known(self);
        let (tokens, queue) = (row.and_then(|r| r.sum(|f| f.tokens_now)), row.and_then(Self::waiting));
        let (first, kv) = (row.and_then(Self::first_token).map(|s| s.p50), row.and_then(Self::kv_used));
        let every = self.raw.every;
        self.tokens_history.push(at, every, tokens);
        self.queue_history.push(at, every, queue);
        self.first_token_history.push(at, every, first);
        self.kv_history.push(at, every, kv);
    }

    fn sum(&self, figure: impl Fn(&Figures) -> Option<f64>) -> Option<f64> {
        self.models.iter().filter_map(|model| figure(&model.flow.figures)).reduce(|a, b| a + b)
    }

    /// It answers, whatever it is doing.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.raw.state.is_well()
    }

    /// Its figures are of now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.raw.state == ServerState::Up
    }

    /// Models in memory.
    pub fn loaded(&self) -> impl Iterator<Item = &ModelRow> {
        self.models.iter().filter(|model| self.is_up() && model.raw.is_loaded())
    }

    /// Tokens generated a second.
    #[must_use]
    pub fn tokens(&self) -> Option<f64> {
        self.sum(|figures| figures.tokens).filter(|_| self.is_up())
    }

    /// Requests that are processed, and those that wait.
    #[must_use]
    pub fn running(&self) -> Option<f64> {
        self.loaded().filter_map(|model| model.raw.work.running).reduce(|a, b| a + b)
    }

    #[must_use]
    pub fn waiting(&self) -> Option<f64> {
        self.loaded().filter_map(|model| model.raw.work.waiting).reduce(|a, b| a + b)
    }

    /// The fullest KV cache.
    #[must_use]
    pub fn kv_used(&self) -> Option<f64> {
        self.loaded().filter_map(|model| model.raw.work.kv_used).reduce(f64::max)
    }

    /// To the first token, of the model that is slowest.
    #[must_use]
    pub fn first_token(&self) -> Option<Spread> {
        let all = self.loaded().filter_map(|model| model.flow.figures.first_token);
        all.reduce(|a, b| if b.p50 > a.p50 { b } else { a })
    }

    /// Bytes of its models on cards.
    #[must_use]
    pub fn vram(&self) -> Option<u64> {
        self.loaded().filter_map(|model| model.raw.vram).reduce(|a, b| a + b)
    }
}

impl ModelRow {
    fn apply(&mut self, at: Stamp, raw: &Model, restarted: bool) {
        let before = self.raw.state;
        if raw.state == ModelState::Loading {
            self.loading_since.get_or_insert(at);
        } else if let Some(since) = self.loading_since.take()
            && before == ModelState::Loading
            && raw.state == ModelState::Loaded
        {
            self.load_seconds = Some(at.since(since).as_secs_f64());
        }
        if raw.work.load_seconds.is_some() {
            self.load_seconds = raw.work.load_seconds;
        }
        self.raw.clone_from(raw);
        if restarted {
            self.flow.stop();
        }
        match raw.state {
            ModelState::Loaded => self.flow.apply(at, &raw.work),
            _ => self.flow.stop(),
        }
    }

    /// Since when it is being loaded.
    #[must_use]
    pub fn loading_since(&self) -> Option<Stamp> {
        self.loading_since
    }

    /// Seconds that an answer of [`ANSWER`] tokens takes: as the probe measured it, or from the first token and the pace
    /// of those after it.
    #[must_use]
    pub fn answer_seconds(&self) -> Option<f64> {
        if let Some(cold) = self.probe.as_ref().and_then(|probe| probe.cold) {
            return Some(cold.response);
        }
        let figures = &self.flow.figures;
        Some(figures.first_token?.p50 + f64::from(ANSWER - 1) * figures.seconds_a_token()?)
    }

    /// Seconds that it may take, by its size: 2 with 8 billion weights, 10 with 70.
    #[must_use]
    pub fn target_seconds(&self) -> Option<f64> {
        let billions = self.raw.parameters? / 1e9;
        Some((2.0 + (billions - 8.0) * 8.0 / 62.0).clamp(2.0, 10.0))
    }
}

#[cfg(test)]
pub mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::model::model_server::{Reading, Runner, Work};

    const SECOND: Duration = Duration::from_secs(1);

    /// A server called `a` with these models.
    pub fn up(at: u64, models: Vec<Model>) -> Server {
        Server {
            name: "a".into(),
            state: ServerState::Up,
            at: Some(Stamp::at_seconds(at)),
            every: SECOND,
            reading: Arc::new(Reading { models, ..Reading::default() }),
            ..Server::default()
        }
    }

    pub fn model(name: &str, state: ModelState, generated: f64) -> Model {
        let work = Work { generated_tokens: Some(generated), waiting: Some(2.0), ..Work::default() };
        Model { name: name.into(), state, work, ..Model::default() }
    }

    pub fn fold(servers: &mut ModelServers, second: u64, all: Vec<Server>) {
        let span = Span { at: Stamp::at_seconds(second), every: SECOND, since: Some(SECOND) };
        servers.apply(span, ModelServerSample { servers: all, settled: true });
    }

    #[test]
    fn an_answer_is_counted_once() {
        let mut servers = ModelServers::default();
        for (second, at, tokens) in [(1, 1, 10.0), (2, 2, 30.0), (3, 2, 30.0)] {
            fold(&mut servers, second, vec![up(at, vec![model("m", ModelState::Loaded, tokens)])]);
        }
        let row = &servers.rows[0];
        assert_eq!((row.tokens(), row.waiting(), row.tokens_history.len()), (Some(20.0), Some(2.0), 2));
    }

    #[test]
    fn figures_of_a_server_are_those_of_its_loaded_models() {
        let of = |name: &str, running: f64, kv: f64, vram: u64| {
            let mut model = model(name, ModelState::Loaded, 10.0);
            (model.work.running, model.work.kv_used, model.vram) = (Some(running), Some(kv), Some(vram));
            model
        };
        let mut servers = ModelServers::default();
        let idle = Model { state: ModelState::NotLoaded, ..of("c", 100.0, 0.9, 100) };
        fold(&mut servers, 1, vec![up(1, vec![of("a", 1.0, 0.7, 3), of("b", 2.0, 0.2, 4), idle])]);
        let row = &mut servers.rows[0];
        assert_eq!(
            (row.running(), row.waiting(), row.kv_used(), row.vram()),
            (Some(3.0), Some(4.0), Some(0.7), Some(7))
        );
        row.raw.state = ServerState::Loading;
        assert_eq!((row.running(), row.vram()), (None, None), "nothing is known of now");
    }

    #[test]
    fn a_server_that_fails_has_no_figures_and_says_why_once() {
        let mut servers = ModelServers::default();
        fold(&mut servers, 1, vec![up(1, vec![model("m", ModelState::Loaded, 10.0)])]);
        fold(&mut servers, 2, vec![up(2, vec![model("m", ModelState::Loaded, 30.0)])]);
        let down = Server { state: ServerState::Unreachable("refused".into()), ..up(2, Vec::new()) };
        fold(&mut servers, 3, vec![down.clone()]);
        fold(&mut servers, 4, vec![down]);
        let row = &servers.rows[0];
        assert_eq!((row.tokens(), row.waiting(), row.tokens_history.back(0)), (None, None, None));
        assert_eq!(row.troubles.iter().map(|t| t.words.as_str()).collect::<Vec<_>>(), ["refused"]);
        assert_eq!(row.since, Some(Stamp::at_seconds(3)));
    }

    #[test]
    fn counters_of_another_process_are_not_compared() {
        let answered = |at: u64, pid: Option<u32>, tokens: f64| Server {
            process: pid.map(|pid| Runner { pid, started: 5 }),
            ..up(at, vec![model("m", ModelState::Loaded, tokens)])
        };
        // A new process that has generated more than the one before; one that is found only later; the same one.
        for (before, after, tokens) in
            [(Some(7), Some(8), None), (None, Some(8), Some(30.0)), (Some(7), Some(7), Some(30.0))]
        {
            let mut servers = ModelServers::default();
            fold(&mut servers, 1, vec![answered(1, before, 10.0)]);
            fold(&mut servers, 2, vec![answered(2, after, 40.0)]);
            assert_eq!(servers.rows[0].tokens(), tokens, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_load_is_timed_and_a_failure_is_remembered() {
        let mut servers = ModelServers::default();
        for (second, state) in
            [(1, ModelState::NotLoaded), (2, ModelState::Loading), (5, ModelState::Loading), (9, ModelState::Loaded)]
        {
            fold(&mut servers, second, vec![up(second, vec![model("m", state, 0.0)])]);
        }
        assert_eq!(servers.rows[0].models[0].load_seconds, Some(7.0));
        let failed = Model { failure: Some("no memory".into()), ..model("m", ModelState::Failed, 0.0) };
        for second in [10, 11] {
            fold(&mut servers, second, vec![up(second, vec![failed.clone()])]);
        }
        let row = &servers.rows[0];
        assert_eq!(row.troubles.iter().map(|t| t.words.as_str()).collect::<Vec<_>>(), ["m: no memory"]);
        assert_eq!(row.loaded().count(), 0);
    }

    #[test]
    fn targets_go_by_size() {
        let of = |billions: f64| {
            let raw = Model { parameters: Some(billions * 1e9), ..Model::default() };
            ModelRow { raw, ..ModelRow::default() }.target_seconds().map(|seconds| (seconds * 10.0).round() / 10.0)
        };
        assert_eq!([0.5, 8.0, 39.0, 70.0, 400.0].map(of), [2.0, 2.0, 6.0, 10.0, 10.0].map(Some));
    }

    #[test]
    fn models_of_a_server_are_added_or_the_slowest_is_taken() {
        let spread = |p50: f64| Spread { p50, ..Spread::default() };
        let row = |figures: [(f64, f64); 2]| {
            let models = figures.map(|(tokens, first)| {
                let mut row = ModelRow { raw: model("m", ModelState::Loaded, 0.0), ..ModelRow::default() };
                (row.flow.figures.tokens, row.flow.figures.first_token) = (Some(tokens), Some(spread(first)));
                row
            });
            ServerRow { raw: up(1, Vec::new()), models: models.into(), ..ServerRow::default() }
        };
        for figures in [[(20.0, 0.5), (5.0, 2.0)], [(5.0, 2.0), (20.0, 0.5)]] {
            let row = row(figures);
            assert_eq!((row.tokens(), row.first_token()), (Some(25.0), Some(spread(2.0))));
            assert_eq!(row.waiting(), Some(4.0));
        }
    }
}
