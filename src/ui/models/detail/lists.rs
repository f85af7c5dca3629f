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
