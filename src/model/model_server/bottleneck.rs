//! Why a server is slow: one line with its evidence and one piece of advice, from the figures that are shown anyway, and
//! nothing where they do not carry it.

use super::{ModelRow, ModelState, ServerRow};
use crate::{clock::Stamp, model::series::Series, units::span_short};

/// Readings that are looked back on, and how many of them must be there: one reading proves nothing.
const RECENT: usize = 10;
const LEAST: usize = 3;

/// What else the machine does; of a server elsewhere nothing is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Around {
    /// Of its busiest card: shares of the time that its cores and its memory worked, and of its memory in use.
    pub card_busy: Option<f64>,
    pub card_memory_busy: Option<f64>,
    pub card_memory_used: Option<f64>,
    /// What slows that card, in words.
    pub slowed_by: Option<String>,
    /// The machine has a card.
    pub has_card: bool,
    /// Share of all cores' time that was not idle.
    pub cpu_busy: Option<f64>,
}

/// What holds a server back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slow {
    /// In a word or two.
    pub by: &'static str,
    /// The figures that say so.
    pub evidence: String,
    /// What could be done.
    pub advice: &'static str,
}

impl Slow {
    fn by(by: &'static str, evidence: impl Into<String>, advice: &'static str) -> Option<Self> {
        Some(Slow { by, evidence: evidence.into(), advice })
    }

    /// All of it as a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}: {}. {}", self.by, self.evidence, self.advice)
    }
}

fn whole(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// `3 requests wait for 4 slots`.
fn wait(waiting: f64, places: &str) -> String {
    match format!("{waiting:.0}").as_str() {
        "1" => format!("1 request waits{places}"),
        count => format!("{count} requests wait{places}"),
    }
}

/// The mean of the last readings.
fn recent(series: &Series) -> Option<f64> {
    let last: Vec<f64> = (0..RECENT).filter_map(|back| series.back(back)).collect();
    (last.len() >= LEAST && series.back(0).is_some()).then(|| last.iter().sum::<f64>() / last.len() as f64)
}

impl ServerRow {
    /// What limits it; `None` when its figures do not show it.
    #[must_use]
    pub fn slow(&self, around: &Around, now: Stamp) -> Option<Slow> {
        if !self.is_up() {
            return None;
        }
        let some = |requests: Option<f64>| requests.is_some_and(|requests| requests > 0.0);
        let works = match self.running() {
            // Where nothing is said of requests, a card that is busy for it says that it works.
            None if !some(self.waiting()) => {
                around.card_busy.is_some_and(|busy| busy > 0.9) && self.loaded().next().is_some()
            }
            running => some(running) || some(self.waiting()),
        };
        self.loading(now)
            .or_else(|| self.loaded().find_map(|model| outside(model, around)))
            .or_else(|| if works { self.worked(around) } else { None })
    }

    fn loading(&self, now: Stamp) -> Option<Slow> {
        let model = self.models.iter().find(|model| model.raw.state == ModelState::Loading)?;
        let since =
            model.loading_since().map_or_else(String::new, |since| format!(" for {}", span_short(now.since(since))));
        let usual = model.load_seconds.map_or_else(String::new, |s| format!(", its last load took {s:.0} s"));
        let evidence = format!("{} is being loaded{since}{usual}", model.raw.name);
        Slow::by("loading", evidence, "Keep it in memory: raise its keep-alive")
    }

    fn worked(&self, around: &Around) -> Option<Slow> {
        let busy = around.card_busy;
        if let Some(why) = around.slowed_by.as_ref().filter(|_| busy.is_none_or(|busy| busy > 0.05)) {
            return Slow::by("throttled card", why.clone(), "More air, a cleaner cooler, or a sound power supply");
        }
        self.cache()
            .or_else(|| full(around))
            .or_else(|| self.queue(around))
            .or_else(|| self.prompts())
            .or_else(|| self.work(around))
    }

    fn cache(&self) -> Option<Slow> {
        let advice = "A shorter context, fewer requests at once, or an 8-bit KV cache";
        let used = recent(&self.kv_history)?;
        let preempted: f64 = self.loaded().filter_map(|model| model.flow.figures.preemptions).sum();
        if used > 0.9 && preempted > 0.0 {
            return Slow::by("KV cache full", format!("{} in use, {preempted:.1} preemptions/s", whole(used)), advice);
        }
        let waiting = recent(&self.queue_history).filter(|waiting| *waiting >= 1.0)?;
        (used > 0.95).then_some(())?;
        Slow::by("KV cache full", format!("{} in use while {}", whole(used), wait(waiting, "")), advice)
    }

    fn queue(&self, around: &Around) -> Option<Slow> {
        let waiting = recent(&self.queue_history).filter(|waiting| *waiting >= 1.0)?;
        let slots: u64 = self.loaded().filter_map(|model| model.raw.slots_total).sum();
        let places = if slots > 0 { format!(" for {slots} slots") } else { String::new() };
        let (what, busy) = match (around.card_busy, around.has_card) {
            (Some(busy), _) => ("card", busy),
            (None, false) => ("CPU", around.cpu_busy?),
            (None, true) => return None,
        };
        let evidence = format!("{} while the {what} is {} busy", wait(waiting, &places), whole(busy));
        match busy {
            busy if busy < 0.5 => {
                Slow::by("too few slots", evidence, "Allow more requests at once (--parallel, --max-num-seqs)")
            }
            busy if busy > 0.9 && what == "card" => {
                Slow::by("more requests than it can do", evidence, "One more GPU, or a smaller model")
            }
            _ => None,
        }
    }

    fn prompts(&self) -> Option<Slow> {
        let model = self.loaded().find(|model| model.flow.figures.prompt_share.is_some_and(|share| share > 0.6))?;
        let figures = &model.flow.figures;
        let cached = figures.cached.map_or_else(String::new, |c| format!(", {} of them cached", whole(c)));
        let evidence = format!("{} of its time goes into prompts{cached}", whole(figures.prompt_share?));
        Slow::by("prompt-heavy", evidence, "Keep the beginning of prompts the same, so that the cache spares it")
    }

    fn work(&self, around: &Around) -> Option<Slow> {
        if let Some(busy) = around.card_busy.filter(|busy| *busy > 0.9) {
            if let Some(traffic) = around.card_memory_busy.filter(|traffic| *traffic > 0.7) {
                let evidence = format!("the card's memory is busy {} of the time", whole(traffic));
                return Slow::by("memory-bound", evidence, "A smaller quantisation; more requests at once cost little");
            }
            return Slow::by(
                "compute-bound",
                format!("the card is {} busy", whole(busy)),
                "A smaller model, or a faster card",
            );
        }
        let cpu = around.cpu_busy.filter(|cpu| *cpu > 0.85 && !around.has_card)?;
        Slow::by(
            "the CPU",
            format!("{} busy, and there is no card", whole(cpu)),
            "A smaller model or quantisation, or a card",
        )
    }
}

/// A part of the model is not on cards.
fn outside(model: &ModelRow, around: &Around) -> Option<Slow> {
    let share = model.raw.card_share().filter(|share| *share < 0.99 && around.has_card)?;
    let rest = whole(1.0 - share);
    let evidence = format!("{rest} of {} is in main memory, not on a card", model.raw.name);
    let by = if share > 0.0 { "partly on the CPU" } else { "on the CPU" };
    Slow::by(by, evidence, "A smaller quantisation or context, so that all of it fits")
}

fn full(around: &Around) -> Option<Slow> {
    let used = around.card_memory_used.filter(|used| *used > 0.97)?;
    let evidence = format!("{} of the card's memory is in use", whole(used));
    Slow::by("VRAM full", evidence, "Unload another model, or use a smaller context or quantisation")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::model_server::{
        Expiry, Model, ModelServers, Server, ServerState, Work,
        row::tests::{fold, model, up},
    };

    /// What is said after some readings of this model, each with as much more work.
    fn says(of: &Model, around: &Around) -> String {
        let mut servers = ModelServers::default();
        for second in 1..=12 {
            let mut now = of.clone();
            let more = second as f64;
            for counter in [&mut now.work.preemptions, &mut now.work.prompt_seconds, &mut now.work.generated_seconds] {
                *counter = counter.map(|each| each * more);
            }
            fold(&mut servers, second, vec![up(second, vec![now])]);
        }
        servers.rows[0]
            .slow(around, Stamp::at_seconds(12))
            .map(|slow| format!("{}: {}", slow.by, slow.evidence))
            .unwrap_or_default()
    }

    fn busy(work: Work) -> Model {
        let work = Work { running: Some(4.0), waiting: work.waiting.or(Some(0.0)), ..work };
        Model { work, slots_total: Some(4), ..model("m", ModelState::Loaded, 0.0) }
    }

    fn card(busy: f64) -> Around {
        Around { card_busy: Some(busy), has_card: true, ..Around::default() }
    }

    #[test]
    fn each_cause_is_named_with_its_figures() {
        let queued = |waiting: f64| busy(Work { waiting: Some(waiting), ..Work::default() });
        let kv = |used: f64, preempted: f64, waiting: f64| {
            busy(Work { kv_used: Some(used), preemptions: Some(preempted), waiting: Some(waiting), ..Work::default() })
        };
        let prompts = busy(Work { prompt_seconds: Some(0.8), generated_seconds: Some(0.2), ..Work::default() });
        let split = Model { memory: Some(100), vram: Some(62), expires: Some(Expiry::Never), ..busy(Work::default()) };
        let none = Model { vram: Some(0), ..split.clone() };
        let traffic = Around { card_memory_busy: Some(0.8), ..card(0.97) };
        let hot = Around { slowed_by: Some("too hot at 91 °C".into()), ..card(0.9) };
        let vram = Around { card_memory_used: Some(0.99), ..card(0.6) };
        let cpu = Around { cpu_busy: Some(0.95), ..Around::default() };
        for (of, around, expected) in [
            (kv(0.97, 2.0, 3.0), card(0.9), "KV cache full: 97 % in use, 2.0 preemptions/s"),
            (kv(0.97, 0.0, 3.0), card(0.9), "KV cache full: 97 % in use while 3 requests wait"),
            (queued(3.0), card(0.2), "too few slots: 3 requests wait for 4 slots while the card is 20 % busy"),
            (
                queued(3.0),
                card(0.95),
                "more requests than it can do: 3 requests wait for 4 slots while the card is 95 % busy",
            ),
            (prompts, card(0.7), "prompt-heavy: 80 % of its time goes into prompts"),
            (split, card(0.5), "partly on the CPU: 38 % of m is in main memory, not on a card"),
            (none, card(0.0), "on the CPU: 100 % of m is in main memory, not on a card"),
            (queued(0.0), traffic, "memory-bound: the card's memory is busy 80 % of the time"),
            (queued(0.0), card(0.97), "compute-bound: the card is 97 % busy"),
            (queued(0.0), hot, "throttled card: too hot at 91 °C"),
            (queued(0.0), vram, "VRAM full: 99 % of the card's memory is in use"),
            (queued(0.0), cpu, "the CPU: 95 % busy, and there is no card"),
            (model("m", ModelState::Loading, 0.0), card(0.0), "loading: m is being loaded for 11s"),
        ] {
            assert_eq!(says(&of, &around), expected);
        }
    }

    #[test]
    fn three_readings_are_enough_and_one_that_waits() {
        let mut series = Series::default();
        let push = |series: &mut Series, second: u64, value: Option<f64>| {
            series.push(Stamp::at_seconds(second), std::time::Duration::from_secs(1), value);
        };
        push(&mut series, 1, Some(1.0));
        push(&mut series, 2, Some(2.0));
        assert_eq!(recent(&series), None);
        push(&mut series, 3, Some(6.0));
        assert_eq!(recent(&series), Some(3.0));
        push(&mut series, 4, None);
        assert_eq!(recent(&series), None, "nothing is known of now");
        let kv = |waiting: f64| busy(Work { kv_used: Some(0.97), waiting: Some(waiting), ..Work::default() });
        assert_eq!(says(&kv(1.0), &card(0.5)), "KV cache full: 97 % in use while 1 request waits");
        assert_eq!(says(&kv(0.9), &card(0.5)), "");
    }

    #[test]
    fn where_figures_do_not_carry_it_nothing_is_said() {
        let idle = Model {
            work: Work { running: Some(0.0), waiting: Some(0.0), ..Work::default() },
            ..model("m", ModelState::Loaded, 0.0)
        };
        assert_eq!(says(&idle, &card(0.99)), "", "somebody else keeps the card busy");
        assert_eq!(says(&busy(Work::default()), &Around::default()), "", "a server elsewhere");
        assert_eq!(says(&busy(Work::default()), &card(0.5)), "");
        let unreported = Model { work: Work::default(), ..model("m", ModelState::Loaded, 0.0) };
        let cpu = Around { cpu_busy: Some(1.0), ..Around::default() };
        assert_eq!(says(&unreported, &cpu), "", "others may keep the CPU busy");
        assert_eq!(says(&model("m", ModelState::NotLoaded, 0.0), &card(0.99)), "");
        assert_eq!(says(&busy(Work { waiting: Some(3.0), ..Work::default() }), &card(0.7)), "");
        assert_eq!(
            says(&busy(Work { kv_used: Some(0.97), ..Work::default() }), &card(0.5)),
            "",
            "full, and nobody waits"
        );
        let mut servers = ModelServers::default();
        fold(&mut servers, 1, vec![Server { state: ServerState::Asleep, ..up(1, vec![busy(Work::default())]) }]);
        assert_eq!(servers.rows[0].slow(&card(0.99), Stamp::at_seconds(1)), None);
    }

    #[test]
    fn limits_of_each_cause_are_where_they_are_said_to_be() {
        let queued = |waiting: f64| busy(Work { waiting: Some(waiting), ..Work::default() });
        let cause = |of: &Model, around: Around| says(of, &around).split(':').next().unwrap_or_default().to_owned();
        let memory = |share: f64| Around { card_memory_used: Some(share), ..card(0.6) };
        assert_eq!(
            (cause(&queued(0.0), memory(0.97)), cause(&queued(0.0), memory(0.971))),
            (String::new(), "VRAM full".into())
        );
        assert_eq!(cause(&queued(1.0), card(0.5)), "");
        assert_eq!(cause(&queued(1.0), card(0.49)), "too few slots");
        assert_eq!(cause(&queued(0.9), card(0.49)), "");
        assert_eq!(cause(&queued(1.0), card(0.9)), "");
        assert_eq!(cause(&queued(1.0), card(0.91)), "more requests than it can do");
        let works = |share| cause(&queued(0.0), card(share));
        assert_eq!((works(0.9), works(0.91)), (String::new(), "compute-bound".to_owned()));
        let traffic = |share| cause(&queued(0.0), Around { card_memory_busy: Some(share), ..card(0.95) });
        assert_eq!((traffic(0.7), traffic(0.71)), ("compute-bound".to_owned(), "memory-bound".to_owned()));
        let cpu = |cpu_busy| cause(&queued(0.0), Around { cpu_busy: Some(cpu_busy), ..Around::default() });
        assert_eq!((cpu(0.85), cpu(0.86)), (String::new(), "the CPU".to_owned()));
        let beside = Around { cpu_busy: Some(0.99), has_card: true, ..Around::default() };
        assert_eq!(cause(&queued(0.0), beside), "", "the card works, whatever the CPU does");
        let hot = |share| cause(&queued(0.0), Around { slowed_by: Some("heat".into()), ..card(share) });
        assert_eq!((hot(0.05), hot(0.06)), (String::new(), "throttled card".to_owned()));
        let prompts = |share| {
            let work = Work { prompt_seconds: Some(share), generated_seconds: Some(1.0 - share), ..Work::default() };
            cause(&busy(work), card(0.7))
        };
        assert_eq!((prompts(0.59), prompts(0.61)), (String::new(), "prompt-heavy".to_owned()));
        let kv = |used, preemptions, waiting| {
            let work =
                Work { kv_used: Some(used), preemptions: Some(preemptions), waiting: Some(waiting), ..Work::default() };
            cause(&busy(work), card(0.7))
        };
        assert_eq!((kv(0.9, 2.0, 0.0), kv(0.91, 2.0, 0.0)), (String::new(), "KV cache full".to_owned()));
        assert_eq!((kv(0.95, 0.0, 1.0), kv(0.96, 0.0, 1.0)), (String::new(), "KV cache full".to_owned()));
        let split = |vram| cause(&Model { memory: Some(1000), vram: Some(vram), ..queued(0.0) }, card(0.5));
        assert_eq!((split(990), split(989)), (String::new(), "partly on the CPU".to_owned()));
    }

    #[test]
    fn without_a_card_the_cpu_is_what_is_short() {
        let queued = busy(Work { waiting: Some(3.0), ..Work::default() });
        let cpu = |share| Around { cpu_busy: Some(share), ..Around::default() };
        assert_eq!(says(&queued, &cpu(0.3)), "too few slots: 3 requests wait for 4 slots while the CPU is 30 % busy");
        assert_eq!(says(&queued, &cpu(0.8)), "");
        assert_eq!(
            says(&queued, &cpu(0.95)),
            "the CPU: 95 % busy, and there is no card",
            "one more GPU would not help"
        );
        let unseen = Around { has_card: true, cpu_busy: Some(0.3), ..Around::default() };
        assert_eq!(says(&queued, &unseen), "", "nothing is known of the card");
        let slotless = Model { slots_total: None, ..queued };
        assert_eq!(says(&slotless, &cpu(0.3)), "too few slots: 3 requests wait while the CPU is 30 % busy");
    }

    #[test]
    fn a_card_that_is_busy_speaks_for_a_server_that_says_nothing() {
        let silent = Model { work: Work::default(), ..model("m", ModelState::Loaded, 0.0) };
        assert_eq!(says(&silent, &card(0.95)), "compute-bound: the card is 95 % busy");
        let hot = Around { slowed_by: Some("heat".into()), ..card(0.9) };
        assert_eq!(says(&silent, &hot), "", "somebody else may keep it busy");
    }

    #[test]
    fn a_sentence_has_cause_evidence_and_advice() {
        let slow = Slow { by: "VRAM full", evidence: "99 % in use".into(), advice: "Unload another model" };
        assert_eq!(slow.words(), "VRAM full: 99 % in use. Unload another model");
    }
}
