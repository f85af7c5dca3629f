//! The ARC in full: lines for the view of memory and for those of pools, which share it.

use crate::{
    model::{
        arc::{ArcSample, Kind, Lookups},
        memory::Memory,
    },
    ui::{
        figures::{bytes, fixed, percent},
        theme::Role,
        widgets::sheet::{SheetLine, heading, pair},
    },
    units::{bytes_long, count_short},
};

/// Columns of a name before its value.
const NAME: usize = 11;
/// Columns of a kind of lookups.
const KIND: usize = 17;

/// The lines; none where there is no ARC.
#[must_use]
pub fn lines(memory: &Memory) -> Vec<SheetLine> {
    let Some(arc) = &memory.raw.arc else { return Vec::new() };
    let size = |n: u64| bytes_long(n as f64);
    let share = |part: u64| match arc.size {
        0 => String::new(),
        whole => format!(" ({})", crate::units::percent(part as f64 / whole as f64)),
    };
    let mut lines = vec![Vec::new(), heading("ZFS cache (ARC), one for all pools")];
    let mut say = |name: &str, words: String| lines.push(pair(name, NAME, words));
    let full = percent((arc.max > 0).then(|| arc.size as f64 / arc.max as f64));
    say(
        "size",
        format!(
            "{} of {} ({}) · target {} · min {}",
            size(arc.size),
            size(arc.max),
            full.trim_start(),
            size(arc.target),
            size(arc.min)
        ),
    );
    let rest = arc.size.saturating_sub(arc.data_size + arc.metadata_size);
    let (data, metadata) = (share(arc.data_size), share(arc.metadata_size));
    say(
        "holds",
        format!(
            "data {}{data} · metadata {}{metadata} · headers {}",
            size(arc.data_size),
            size(arc.metadata_size),
            size(rest)
        ),
    );
    let hits = |part: u64| match arc.recent_hits + arc.frequent_hits {
        0 => String::new(),
        all => format!(", {} of the hits", crate::units::percent(part as f64 / all as f64)),
    };
    say("MRU", format!("{} read once{}", size(arc.recent_size), hits(arc.recent_hits)));
    say("MFU", format!("{} read more than once{}", size(arc.frequent_size), hits(arc.frequent_hits)));
    let limit = arc.dirty_max.map_or_else(String::new, |max| format!(" of {} allowed", size(max)));
    say("dirty", format!("{}{limit}, not yet written", size(arc.dirty)));
    second(memory, arc, &mut say);
    lookups(memory, arc, &mut lines);
    lines
}

/// The cache devices.
fn second(memory: &Memory, arc: &ArcSample, say: &mut dyn FnMut(&str, String)) {
    let Some(second) = arc.second else {
        say("L2ARC", "no pool has a cache device".to_owned());
        return;
    };
    let size = |n: u64| bytes_long(n as f64);
    let rate = |value: Option<f64>| format!("{}/s", bytes(value).trim_start());
    let errors = if second.errors > 0 { format!(" · {} errors", second.errors) } else { String::new() };
    say(
        "L2ARC",
        format!("{} in {} of cache devices, index {}", size(second.size), size(second.stored), size(second.index)),
    );
    say(
        "",
        format!(
            "{} read · {} written{errors}",
            rate(memory.arc_rates.second_read),
            rate(memory.arc_rates.second_written)
        ),
    );
}

/// How often it had what was asked for: now, and since the module was loaded.
fn lookups(memory: &Memory, arc: &ArcSample, lines: &mut Vec<SheetLine>) {
    let rates = &memory.arc_rates;
    let heads = format!("{:<KIND$} {:>8} {:>8} {:>8} {:>10}", "LOOKUPS", "PER s", "HIT %", "TOTAL", "TOTAL HIT");
    lines.push(vec![(heads, Role::Dim)]);
    let mut row = |name: &str, each: Option<f64>, now: Option<f64>, ever: Lookups| {
        let share = |ratio| fixed(ratio, 8, |r| format!("{:.1}%", r * 100.0));
        let figures = format!(
            "{} {} {:>8} {}",
            fixed(each, 8, count_short),
            share(now),
            count_short(ever.all() as f64),
            fixed(ever.ratio(), 10, |r| format!("{:.1}%", r * 100.0))
        );
        lines.push(vec![(format!("{name:<KIND$} "), Role::Dim), (figures, Role::Text)]);
    };
    row("all", rates.lookups, rates.hit_ratio, Lookups { hits: arc.hits, misses: arc.misses });
    for (at, kind) in Kind::ALL.into_iter().enumerate() {
        row(kind.word(), rates.kind_lookups[at], rates.kind_hit_ratios[at], arc.kinds[at]);
    }
    if let Some(second) = arc.second {
        row("L2ARC", None, rates.second_hit_ratio, second.lookups);
    }
    let [recent, frequent] = rates.ghost_hits.map(|rate| fixed(rate, 1, count_short));
    lines.push(pair(
        "ghost hits",
        NAME,
        format!(
            "MRU {recent}/s, {} total · MFU {frequent}/s, {} total (would hit in a larger ARC)",
            count_short(arc.recent_ghost_hits as f64),
            count_short(arc.frequent_ghost_hits as f64)
        ),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{arc::SecondLevel, memory::MemorySample};

    fn text(arc: Option<ArcSample>) -> String {
        let memory = Memory { raw: MemorySample { arc, ..MemorySample::default() }, ..Memory::default() };
        let line = |line: SheetLine| line.into_iter().map(|(words, _)| words).collect::<String>();
        lines(&memory).into_iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn arc_is_shown_in_full_and_an_unknown_rate_is_absent() {
        let gib = 1 << 30;
        let text = text(Some(ArcSample {
            size: 4 * gib,
            target: 5 * gib,
            min: gib / 2,
            max: 8 * gib,
            hits: 900,
            misses: 100,
            kinds: [Lookups { hits: 900, misses: 100 }, Lookups::default(), Lookups::default(), Lookups::default()],
            data_size: 3 * gib,
            metadata_size: gib / 2,
            recent_hits: 300,
            frequent_hits: 600,
            recent_ghost_hits: 7,
            dirty: gib / 4,
            dirty_max: Some(2 * gib),
            second: Some(SecondLevel { size: 20 * gib, stored: 10 * gib, ..SecondLevel::default() }),
            ..ArcSample::default()
        }));
        for words in [
            "4.0 GiB of 8.0 GiB (50%) · target 5.0 GiB · min 512.0 MiB",
            "data 3.0 GiB (75%) · metadata 512.0 MiB (12%) · headers 512.0 MiB",
            "MFU         0 B read more than once, 67% of the hits",
            "256.0 MiB of 2.0 GiB allowed, not yet written",
            "20.0 GiB in 10.0 GiB of cache devices, index 0 B",
            "all                      –        –     1.0k      90.0%",
            "prefetch data            –        –        0          –",
            "MRU –/s, 7 total",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }

    #[test]
    fn no_arc_says_nothing_and_no_cache_devices_say_so() {
        assert_eq!(text(None), "");
        assert!(text(Some(ArcSample::default())).contains("no pool has a cache device"));
    }
}
