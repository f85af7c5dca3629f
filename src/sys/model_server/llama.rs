//! llama.cpp's server with one model. `/metrics` and `/slots` keep a server awake that sleeps when idle, and some builds wake
//! for them; `/props` does neither. So a server that may sleep is left alone once it has nothing to do.

use std::time::Duration;

use serde_json::Value;

use super::{
    fetch::{Ask, Got},
    figures,
    part::{Due, count, list, text},
    prometheus::Exposition,
    say,
};
use crate::{
    clock::Stamp,
    model::model_server::{Model, ModelState, Reading, ServerState, Slot, Work},
};

/// What does not change while it runs.
const SLOW: Duration = Duration::from_secs(60);
/// An idle server that may sleep, and whose limit is not known, is asked for its figures so seldom.
const SELDOM: Duration = Duration::from_secs(900);
/// Beyond the idle time after which it sleeps.
const MARGIN: Duration = Duration::from_secs(5);

/// Whether a server puts its model out of memory when idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sleeps {
    Never,
    After(Duration),
    /// Its command line cannot be read.
    #[default]
    Perhaps,
}

/// What is known of a server beside its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hints {
    pub sleeps: Sleeps,
    /// Its slots share one KV cache.
    pub unified: bool,
    /// Its process works: what is asked for now keeps nothing awake.
    pub works: bool,
}

#[derive(Debug, Default)]
pub struct Llama {
    props: Due,
    version: Option<String>,
    model: Model,
    /// `/slots` answers.
    has_slots: bool,
    figures: Figures,
}

/// The figures of one model, and when they may be asked for.
#[derive(Debug, Default)]
pub struct Figures {
    asked: Option<Stamp>,
    pub work: Work,
    pub slots: Vec<Slot>,
    pub missing: Option<String>,
}

impl Llama {
    /// # Errors
    /// The state of the server.
    pub fn round(&mut self, ask: &mut dyn Ask, at: Stamp, hints: Hints) -> Result<Reading, ServerState> {
        if hints.sleeps != Sleeps::Never || self.props.is_due(at, SLOW) {
            let props = get(ask, "/props")?;
            if props.get("is_sleeping").and_then(Value::as_bool) == Some(true) {
                self.figures = Figures::default();
                return Err(ServerState::Asleep);
            }
            self.take_props(&props);
            if self.props.is_due(at, SLOW) {
                self.take_models(&get(ask, "/v1/models")?);
                self.props.done(at);
            }
        }
        self.figures.round(ask, "", self.has_slots, at, hints)?;
        let (work, slots) = (self.figures.work.clone(), self.figures.slots.clone());
        let model = Model { state: ModelState::Loaded, work, slots, ..self.model.clone() };
        Ok(Reading { version: self.version.clone(), models: vec![model], missing: self.figures.missing.clone() })
    }

    /// It restarted, perhaps with another model.
    pub fn forget(&mut self) {
        *self = Llama::default();
    }

    fn take_props(&mut self, props: &Value) {
        self.version = text(props, "build_info");
        self.has_slots = props.get("endpoint_slots").and_then(Value::as_bool).unwrap_or(true);
        about(props, &mut self.model);
    }

    fn take_models(&mut self, models: &Value) {
        let first = models.get("data").and_then(|data| data.get(0));
        if let Some(first) = first {
            self.model.name = text(first, "id").unwrap_or_default();
            meta(first, &mut self.model);
        }
    }
}

/// `/props` of a model.
pub fn about(props: &Value, model: &mut Model) {
    model.slots_total = count(props, "total_slots");
    model.context = props.get("default_generation_settings").and_then(|of| count(of, "n_ctx")).filter(|n| *n > 0);
    model.quantisation = text(props, "model_ftype").or_else(|| model.quantisation.take());
}

/// An entry of `/v1/models`.
pub fn meta(entry: &Value, model: &mut Model) {
    let Some(meta) = entry.get("meta") else { return };
    model.size = count(meta, "size");
    model.parameters = meta.get("n_params").and_then(Value::as_f64);
    model.context_trained = count(meta, "n_ctx_train");
    model.quantisation = text(meta, "ftype").or_else(|| model.quantisation.take());
}

impl Figures {
    /// Asks for the figures unless that would keep the server awake; `query` names the model to a router.
    ///
    /// # Errors
    /// The state of the server.
    pub fn round(
        &mut self,
        ask: &mut dyn Ask,
        query: &str,
        has_slots: bool,
        at: Stamp,
        hints: Hints,
    ) -> Result<(), ServerState> {
        let idle = self.work.running == Some(0.0) && self.work.waiting == Some(0.0);
        let pause = match hints.sleeps {
            Sleeps::Never => Duration::ZERO,
            Sleeps::After(idle) => idle + MARGIN,
            Sleeps::Perhaps => SELDOM,
        };
        if idle && !hints.works && self.asked.is_some_and(|asked| at.since(asked) < pause) {
            return Ok(());
        }
        self.asked = Some(at);
        let path = format!("/metrics{query}");
        let got = ask.get(&path).map_err(|error| say::trouble(&error))?;
        if off(&got) {
            self.missing = Some("no figures of speed: start it with --metrics".to_owned());
            self.work = Work::default();
        } else {
            say::good(&path, &got)?;
            let text = got.text();
            let all = Exposition::parse(&text);
            if !all.has("llamacpp:") {
                return Err(ServerState::Broken(format!("{path}: no figures of llama.cpp")));
            }
            (self.work, self.missing) = (figures::llama(&all), None);
        }
        // It logs each question for its slots: what is idle has none.
        let idle = self.work.running == Some(0.0);
        match has_slots && !idle {
            true => {
                let path = format!("/slots{query}");
                let got = ask.get(&path).map_err(|error| say::trouble(&error))?;
                if got.is_good() {
                    self.slots = slots(&say::json(&path, &got)?);
                }
            }
            false => self.slots.iter_mut().for_each(|slot| slot.busy = false),
        }
        self.by_slots(hints.unified, idle);
        Ok(())
    }

    /// What the slots say that the figures do not.
    fn by_slots(&mut self, unified: bool, idle: bool) {
        let busy = || self.slots.iter().filter(|slot| slot.busy);
        if self.missing.is_some() && !self.slots.is_empty() {
            self.work.running = Some(busy().count() as f64);
        }
        let known = idle || !self.slots.is_empty();
        self.work.pending_tokens = known.then(|| busy().filter_map(|slot| slot.generated).sum::<u64>() as f64);
        let room = self.slots.iter().filter_map(|slot| slot.context);
        let room = if unified { room.max() } else { Some(room.sum()) };
        let held = busy().filter_map(|slot| slot.prompt).sum::<u64>();
        self.work.kv_used =
            self.work.kv_used.or(room.filter(|room| *room > 0).map(|room| (held as f64 / room as f64).min(1.0)));
    }
}

/// The figures are not switched on.
fn off(got: &Got) -> bool {
    got.status == 501 || got.status == 404
}

fn get(ask: &mut dyn Ask, path: &str) -> Result<Value, ServerState> {
    let got = ask.get(path).map_err(|error| say::trouble(&error))?;
    say::json(path, &got)
}

/// `/slots`.
#[must_use]
pub fn slots(answer: &Value) -> Vec<Slot> {
    list(answer, "", |entry| {
        let next = entry.get("next_token");
        let next = next.and_then(|next| next.get(0)).or(next);
        Some(Slot {
            id: u32::try_from(count(entry, "id")?).ok()?,
            busy: entry.get("is_processing").and_then(Value::as_bool).unwrap_or(false),
            task: count(entry, "id_task"),
            context: count(entry, "n_ctx"),
            prompt: count(entry, "n_prompt_tokens"),
            processed: count(entry, "n_prompt_tokens_processed"),
            cached: count(entry, "n_prompt_tokens_cache"),
            generated: next.and_then(|next| count(next, "n_decoded")),
        })
    })
}

#[cfg(test)]
mod tests;
