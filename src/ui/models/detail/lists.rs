//! Models, slots, settings and troubles of a server, a line each.

use std::time::Duration;

use super::facts::{NAME, line, words};
use crate::{
    model::model_server::{Expiry, ModelRow, ModelState, ServerRow, Shot, Spread},
    text::{elide, width},
    ui::{
        canvas::DrawCx,
        theme::Role,
        widgets::{page::Page, sheet::heading},
    },
    units::{self, ABSENT},
};

/// Models that are not loaded and are listed all the same; the rest is counted.
const REST: usize = 12;

/// Its models with what they cost.
pub(super) fn models(cx: &DrawCx<'_>, row: &ServerRow, room: usize, page: &mut Page) {
    if row.models.is_empty() {
        return;
    }
    page.push(heading(&format!("Models, {} of {} in memory", row.loaded().count(), row.models.len())));
    let loaded = |model: &&ModelRow| model.raw.is_loaded() || model.raw.state == ModelState::Failed;
    let name = row.models.iter().map(|model| width(&model.raw.name)).max().unwrap_or(0).clamp(8, (room / 3).max(8));
    for model in row.models.iter().filter(loaded) {
        let raw = &model.raw;
        page.push(vec![
            (format!("{:<name$} ", elide(&raw.name, name)), Role::Strong),
            (
                format!("{:<11} ", raw.state.word()),
                if raw.state == ModelState::Loaded { Role::Text } else { Role::Dim },
            ),
            (cost(cx, model), Role::Text),
        ]);
        for (what, spread) in speeds(model) {
            page.push(line(&format!("  {what:<11}"), Role::Text, spread));
        }
        if let Some(why) = &raw.failure {
            words(page, "", Role::Dim, why, room);
        }
    }
    let rest: Vec<&ModelRow> = row.models.iter().filter(|model| !loaded(model)).collect();
    for model in rest.iter().take(REST) {
        let raw = &model.raw;
        page.push(vec![
            (format!("{:<name$} ", elide(&raw.name, name)), Role::Dim),
            (format!("{:<11} ", raw.state.word()), Role::Dim),
            (cost(cx, model), Role::Dim),
        ]);
    }
    if rest.len() > REST {
        page.push(line("", Role::Dim, format!("{} more", rest.len() - REST)));
    }
}

fn cost(cx: &DrawCx<'_>, model: &ModelRow) -> String {
    let raw = &model.raw;
    let context = match (raw.context, raw.context_trained) {
        (Some(now), Some(trained)) if now < trained => Some(format!("context {now} of {trained}")),
        (now, trained) => now.or(trained).map(|tokens| format!("context {tokens}")),
    };
    let memory = raw.memory.map(|bytes| match raw.card_share() {
        Some(share) if share < 0.995 => {
            format!("{}, {} on cards", units::bytes_long(bytes as f64), units::percent(share))
        }
        _ => units::bytes_long(bytes as f64),
    });
    let expires = match raw.expires {
        Some(Expiry::Never) => Some("kept forever".to_owned()),
        Some(Expiry::At(at)) => {
            let left = u64::try_from(at - cx.state.host.now.unix_ms).unwrap_or(0);
            Some(format!("leaves memory in {}", units::countdown(Duration::from_millis(left))))
        }
        None => None,
    };
    let pieces = [
        raw.parameters.map(|weights| format!("{} weights", units::count_short(weights))),
        raw.quantisation.clone(),
        memory.or_else(|| raw.size.map(|bytes| format!("file {}", units::bytes_long(bytes as f64)))),
        context,
        raw.slots_total.map(|slots| format!("{slots} slots")),
        raw.work.kv_used.map(|used| format!("KV cache {}", units::percent(used))),
        model.load_seconds.map(|seconds| format!("loaded in {seconds:.1} s")),
        expires,
    ];
    pieces.into_iter().flatten().collect::<Vec<_>>().join("   ")
}

/// Times by the server's own histograms: estimates, as they are counted in buckets.
fn speeds(model: &ModelRow) -> Vec<(&'static str, String)> {
    let figures = &model.flow.figures;
    let of = |spread: Spread| {
        let also = |name: &str, value: Option<f64>| {
            value.map_or_else(String::new, |v| format!("   {name} {}", units::latency(v)))
        };
        format!(
            "p50 ~{}{}{}   of {:.0}",
            units::latency(spread.p50),
            also("p95", spread.p95),
            also("p99", spread.p99),
            spread.count
        )
    };
    let all = [
        ("first token", figures.first_token),
        ("each token", figures.per_token),
        ("response", figures.response),
        ("in queue", figures.queue),
    ];
    let mut out: Vec<_> = all.into_iter().filter_map(|(what, spread)| Some((what, of(spread?)))).collect();
    if figures.per_token.is_none()
        && let Some(seconds) = figures.token_seconds
    {
        out.push(("each token", format!("{} on average", units::latency_fine(seconds))));
    }
    if let Some(probe) = &model.probe {
        let of = |name: &str, shot: Option<Shot>| {
            let rate = |shot: Shot| {
                shot.tokens_per_second.map_or_else(String::new, |r| format!(", {} tok/s", units::count_short(r)))
            };
            shot.map(|s| {
                format!(
                    "{name} first token {}, {} tokens in {}{}",
                    units::latency(s.first_token),
                    s.tokens,
                    units::latency(s.response),
                    rate(s)
                )
            })
        };
        let words = [of("cold", probe.cold), of("warm", probe.warm), probe.failure.clone()];
        out.push(("probe", words.into_iter().flatten().collect::<Vec<_>>().join("   ")));
    }
    if let Some((now, target)) = model.answer_seconds().zip(model.target_seconds()) {
        out.push(("64 tokens", format!("{} of {} by its size", units::latency(now), units::latency(target))));
    }
    out
}

/// Places for requests.
pub(super) fn slots(row: &ServerRow, page: &mut Page) {
    let models: Vec<&ModelRow> = row.loaded().filter(|model| !model.raw.slots.is_empty()).collect();
    if models.is_empty() {
        return;
    }
    let busy = models.iter().flat_map(|model| &model.raw.slots).filter(|slot| slot.busy).count();
    page.push(heading(&format!("Slots, {busy} busy")));
    for model in models {
        for slot in &model.raw.slots {
            let of = |value: Option<u64>| value.map_or_else(|| ABSENT.to_owned(), |value| value.to_string());
            let text = match slot.busy {
                true => format!(
                    "{} tokens generated   {} of {} of its context",
                    of(slot.generated),
                    of(slot.prompt),
                    of(slot.context)
                ),
                false => "free".to_owned(),
            };
            page.push(line(&format!("  {}", slot.id), if slot.busy { Role::Text } else { Role::Dim }, text));
        }
    }
}

/// What is set, beside what is in force.
pub(super) fn settings(row: &ServerRow, page: &mut Page) {
    if row.raw.settings.is_empty() {
        return;
    }
    page.push(heading("Settings by command line and environment"));
    let in_force = |name: &str| {
        let model = row.loaded().next()?;
        match name {
            "context" => model.raw.context.map(|tokens| format!("{tokens} a request")),
            "parallel" => model.raw.slots_total.map(|slots| slots.to_string()),
            "keep-alive" => match model.raw.expires? {
                Expiry::Never => Some("forever".to_owned()),
                Expiry::At(_) => None,
            },
            _ => None,
        }
    };
    for setting in &row.raw.settings {
        let force = in_force(&setting.name).map_or_else(String::new, |force| format!("   in force: {force}"));
        let pad = NAME.max(22);
        page.push(vec![
            (format!("  {:<pad$} ", setting.name), Role::Dim),
            (format!("{}{force}", setting.set), Role::Text),
        ]);
    }
}

/// What went wrong lately.
pub(super) fn troubles(cx: &DrawCx<'_>, row: &ServerRow, room: usize, page: &mut Page) {
    if row.troubles.is_empty() {
        return;
    }
    page.push(heading("Last errors"));
    for trouble in &row.troubles {
        let ago = units::span_short(cx.state.host.now.since(trouble.at));
        words(page, &format!("  {ago} ago"), Role::Text, &trouble.words, room);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::Stamp,
        model::model_server::{Figures, Model, Probed, Server, ServerState, Setting, Slot, Trouble},
        state::State,
        ui::canvas::testing::drawn,
    };

    fn model(name: &str, state: ModelState) -> ModelRow {
        let mut row = ModelRow::default();
        row.raw = Model { name: name.into(), state, ..Model::default() };
        row
    }

    fn up(models: Vec<ModelRow>) -> ServerRow {
        let raw = Server { name: "box".into(), state: ServerState::Up, ..Server::default() };
        ServerRow { raw, models, ..ServerRow::default() }
    }

    /// What `list` says at second 1000, each line with the role of its name.
    fn said(list: impl FnOnce(&DrawCx<'_>, &mut Page)) -> Vec<(String, Role)> {
        let mut state = State::default();
        state.host.now = Stamp::at_seconds(1000);
        let mut page = Page::default();
        drawn(&state, (1, 1), |cx, _, _| list(cx, &mut page));
        let text = |line: &crate::ui::widgets::page::LinkedLine| {
            let words = line.pieces.iter().map(|(words, _)| words.as_str()).collect::<String>();
            (words.trim_end().to_owned(), line.pieces[0].1)
        };
        page.lines().iter().map(text).collect()
    }

    fn texts(list: impl FnOnce(&DrawCx<'_>, &mut Page)) -> Vec<String> {
        said(list).into_iter().map(|(words, _)| words).collect()
    }

    fn costs(model: &ModelRow) -> String {
        let mut words = String::new();
        let mut state = State::default();
        state.host.now = Stamp::at_seconds(1000);
        drawn(&state, (1, 1), |cx, _, _| words = cost(cx, model));
        words
    }

    #[test]
    fn models_in_memory_come_before_the_others() {
        use ModelState::{Failed, Loaded, Loading, NotLoaded};
        assert!(texts(|cx, page| models(cx, &up(vec![]), 80, page)).is_empty());
        let mut failed = model("broken", Failed);
        failed.raw.failure = Some("out of memory".into());
        let mut all = vec![model("old", NotLoaded), model("gemma", Loaded), model("llama", Loading), failed];
        let lines = said(|cx, page| models(cx, &up(all.clone()), 80, page));
        let expected = [
            ("Models, 2 of 4 in memory", Role::Title),
            ("gemma    loaded", Role::Strong),
            ("llama    loading", Role::Strong),
            ("broken   failed", Role::Strong),
            ("             out of memory", Role::Dim),
            ("old      not loaded", Role::Dim),
        ];
        assert_eq!(lines, expected.map(|(words, role)| (words.to_owned(), role)));
        // Of the rest a dozen, and how many more there are.
        all.extend((0..12).map(|at| model(&format!("old-{at}"), NotLoaded)));
        let lines = texts(|cx, page| models(cx, &up(all.clone()), 80, page));
        assert_eq!(lines.last().map(String::as_str), Some("             1 more"));
        assert_eq!(lines.len(), 5 + 12 + 1);
        all.pop();
        let lines = texts(|cx, page| models(cx, &up(all), 80, page));
        assert_eq!(lines.last().map(String::as_str), Some("old-10   not loaded"));
        // A third of the line at most is the name's.
        let long = up(vec![model(&"n".repeat(60), Loaded)]);
        let lines = texts(|cx, page| models(cx, &long, 60, page));
        assert_eq!(lines[1], format!("{}… loaded", "n".repeat(19)));
    }

    #[test]
    fn a_model_says_what_it_costs() {
        let mut of = model("gemma", ModelState::Loaded);
        assert_eq!(costs(&of), "");
        let raw = &mut of.raw;
        (raw.parameters, raw.quantisation) = (Some(8e9), Some("Q4_K_M".into()));
        raw.size = Some(4 << 30);
        raw.context_trained = Some(131_072);
        assert_eq!(costs(&of), "8.0G weights   Q4_K_M   file 4.0 GiB   context 131072");
        let raw = &mut of.raw;
        (raw.memory, raw.vram, raw.context) = (Some(8 << 30), Some(8 << 30), Some(8192));
        (raw.slots_total, raw.work.kv_used) = (Some(4), Some(0.38));
        of.load_seconds = Some(3.25);
        assert_eq!(
            costs(&of),
            "8.0G weights   Q4_K_M   8.0 GiB   context 8192 of 131072   4 slots   KV cache 38%   loaded in 3.2 s"
        );
        let mut of = model("gemma", ModelState::Loaded);
        (of.raw.memory, of.raw.vram) = (Some(8 << 30), Some(6 << 30));
        assert_eq!(costs(&of), "8.0 GiB, 75% on cards");
        // 99.5% is all of it, as it would be written as 100%.
        (of.raw.memory, of.raw.vram) = (Some(1 << 30), Some(((1 << 30) as f64 * 0.996) as u64));
        assert_eq!(costs(&of), "1.0 GiB");
        let mut of = model("gemma", ModelState::Loaded);
        (of.raw.context, of.raw.context_trained) = (Some(8192), Some(8192));
        assert_eq!(costs(&of), "context 8192");
        (of.raw.context, of.raw.context_trained) = (None, None);
        of.raw.expires = Some(Expiry::Never);
        assert_eq!(costs(&of), "kept forever");
        let now = Stamp::at_seconds(1000).unix_ms;
        for (at, words) in [(now + 250_000, "4m10s"), (now - 1, "0s")] {
            of.raw.expires = Some(Expiry::At(at));
            assert_eq!(costs(&of), format!("leaves memory in {words}"));
        }
    }

    #[test]
    fn times_are_estimates_with_their_count() {
        let mut of = model("gemma", ModelState::Loaded);
        let spread = |p50, p95| Some(Spread { count: 12.0, mean: p50, p50, p95, p99: None });
        of.flow.figures = Figures {
            first_token: spread(0.25, Some(0.5)),
            response: spread(2.0, None),
            queue: Some(Spread { count: 3.0, mean: 0.1, p50: 0.1, p95: Some(0.2), p99: Some(0.3) }),
            token_seconds: Some(0.0205),
            ..Figures::default()
        };
        of.raw.parameters = Some(8e9);
        let of_row = |of: &ModelRow| {
            let row = up(vec![of.clone()]);
            texts(|cx, page| models(cx, &row, 80, page)).split_off(2)
        };
        assert_eq!(
            of_row(&of),
            [
                "  first token p50 ~250 ms   p95 500 ms   of 12",
                "  response    p50 ~2.0 s   of 12",
                "  in queue    p50 ~100 ms   p95 200 ms   p99 300 ms   of 3",
                "  each token  20.5 ms on average",
                "  64 tokens   1.5 s of 2.0 s by its size",
            ]
        );
        of.flow.figures.per_token = spread(0.02, None);
        assert_eq!(of_row(&of)[1], "  each token  p50 ~20 ms   of 12");
        assert!(of_row(&of).iter().all(|line| !line.contains("on average")));
        let shot = |first_token, tokens_per_second| Shot {
            first_token,
            response: 1.5,
            tokens: 64,
            tokens_per_second,
            cached: None,
            short: false,
        };
        let probe = Probed {
            at: Stamp::at_seconds(1),
            model: "gemma".into(),
            cold: Some(shot(0.5, Some(45.0))),
            warm: Some(shot(0.1, None)),
            failure: Some("stopped early".into()),
        };
        of.probe = Some(Arc::new(probe));
        let words = "  probe       cold first token 500 ms, 64 tokens in 1.5 s, 45 tok/s   warm first token 100 ms, 64 tokens in 1.5 s   stopped early";
        assert!(of_row(&of).contains(&words.to_owned()), "{:?}", of_row(&of));
    }

    #[test]
    fn slots_say_what_they_work_on() {
        let mut of = model("gemma", ModelState::Loaded);
        assert!(texts(|_, page| slots(&up(vec![of.clone()]), page)).is_empty());
        let busy = Slot { id: 0, busy: true, generated: Some(12), prompt: Some(300), context: None, ..Slot::default() };
        of.raw.slots = vec![busy, Slot { id: 1, ..Slot::default() }];
        let row = up(vec![of.clone()]);
        assert_eq!(
            texts(|_, page| slots(&row, page)),
            ["Slots, 1 busy", "  0          12 tokens generated   300 of – of its context", "  1          free"]
        );
        let mut page = Page::default();
        slots(&row, &mut page);
        let roles: Vec<Role> = page.lines()[1..].iter().map(|line| line.pieces[1].1).collect();
        assert_eq!(roles, [Role::Text, Role::Dim]);
        of.raw.state = ModelState::NotLoaded;
        assert!(texts(|_, page| slots(&up(vec![of]), page)).is_empty());
    }

    #[test]
    fn what_is_set_stands_beside_what_is_in_force() {
        let set = |name: &str, set: &str| Setting { name: name.into(), set: set.into() };
        let mut of = model("gemma", ModelState::Loaded);
        let lines = |of: Option<&ModelRow>| {
            let mut row = up(of.into_iter().cloned().collect());
            row.raw.settings =
                vec![set("context", "8192"), set("parallel", "4"), set("keep-alive", "-1"), set("flash", "on")];
            texts(|_, page| settings(&row, page))
        };
        let plain = [
            "Settings by command line and environment",
            "  context                8192",
            "  parallel               4",
            "  keep-alive             -1",
            "  flash                  on",
        ];
        assert_eq!(lines(None), plain);
        assert_eq!(lines(Some(&of)), plain);
        (of.raw.context, of.raw.slots_total, of.raw.expires) = (Some(2048), Some(4), Some(Expiry::Never));
        assert_eq!(
            lines(Some(&of))[1..],
            [
                "  context                8192   in force: 2048 a request",
                "  parallel               4   in force: 4",
                "  keep-alive             -1   in force: forever",
                "  flash                  on",
            ]
        );
        of.raw.expires = Some(Expiry::At(1));
        assert_eq!(lines(Some(&of))[3], "  keep-alive             -1");
        assert!(texts(|_, page| settings(&up(vec![]), page)).is_empty());
    }

    #[test]
    fn errors_have_their_age() {
        let mut row = up(vec![]);
        assert!(texts(|cx, page| troubles(cx, &row, 80, page)).is_empty());
        let trouble = |second, words: &str| Trouble { at: Stamp::at_seconds(second), words: words.into() };
        row.troubles = [trouble(990, "timed out"), trouble(700, "a b c d e f")].into();
        assert_eq!(
            texts(|cx, page| troubles(cx, &row, 20, page)),
            ["Last errors", "  10s ago    timed", "             out", "  5m ago     a b c d", "             e f"]
        );
    }
}
