//! Metrics of the cards.

use super::{
    Unit::{Bytes, Celsius, Count, Hertz, Joules, Ratio, Watts},
    def::{MetricDef, NONE, Put, flag, gauge, one},
};
use crate::model::{
    gpu::{CardState, GpuRow, Maker, xid_words},
    host::Host,
    source::SourceId::Gpus,
};

const GPU: &[&str] = &["gpu"];

/// Its rows of TABLE METRICS.
#[rustfmt::skip] // a table: one metric a paragraph of two or three lines
pub(super) const ROWS: &[MetricDef] = &[
    gauge("gpu_driver_ok", Count, Gpus, NONE, "1 when every GPU driver and card answers, 0 when one that should does not.",
        |h, put| one(put, h.gpus.is_well().map(flag)))
        .cause(|h, _| h.gpus.cause()),
    gauge("gpu_up", Count, Gpus, GPU, "1 when the card answers or sleeps, 0 when it is lost.", |h, put| for row in &h.gpus.rows {
        put(&[&row.raw.label()], flag(!matches!(row.raw.state, CardState::Lost(_))));
    }),
    gauge("gpu_busy_ratio", Ratio, Gpus, GPU, "Share of the time that something ran on the card.", |h, put| gpus(h, put, |g| g.busy)),
    gauge("gpu_memory_busy_ratio", Ratio, Gpus, GPU, "Share of the time that the card's memory was read or written.",
        |h, put| gpus(h, put, |g| g.raw.memory_busy)),
    gauge("gpu_memory_total_bytes", Bytes, Gpus, GPU, "Memory of the card.", |h, put| gpus(h, put, |g| g.raw.memory_total.map(|b| b as f64))),
    gauge("gpu_memory_used_bytes", Bytes, Gpus, GPU, "Memory of the card in use, without what the driver reserves.",
        |h, put| gpus(h, put, |g| g.raw.memory_used.map(|b| b as f64))),
    gauge("gpu_memory_used_ratio", Ratio, Gpus, GPU, "Share of the card's memory that is not free.", |h, put| gpus(h, put, |g| g.raw.memory_ratio())),
    gauge("gpu_temperature_celsius", Celsius, Gpus, GPU, "Temperature of the chip.", |h, put| gpus(h, put, |g| g.raw.temperature)),
    gauge("gpu_memory_temperature_celsius", Celsius, Gpus, GPU, "Temperature of the card's memory.",
        |h, put| gpus(h, put, |g| g.raw.memory_temperature)),
    gauge("gpu_power_watts", Watts, Gpus, GPU, "Power draw of the card.", |h, put| gpus(h, put, |g| g.power)),
    gauge("gpu_power_limit_watts", Watts, Gpus, GPU, "Power limit of the card.", |h, put| gpus(h, put, |g| g.raw.power_limit)),
    gauge("gpu_energy_joules", Joules, Gpus, GPU, "Energy that the card used, by its own counter.",
        |h, put| gpus(h, put, |g| g.raw.energy_uj.map(|uj| uj as f64 / 1e6))).counter(),
    gauge("gpu_clock_hertz", Hertz, Gpus, GPU, "Clock of the card's cores.", |h, put| gpus(h, put, |g| g.raw.clock.map(|c| c as f64))),
    gauge("gpu_fan_ratio", Ratio, Gpus, GPU, "Speed of the fan against its full speed.", |h, put| gpus(h, put, |g| g.raw.fan)),
    gauge("gpu_slowed", Count, Gpus, GPU, "1 while heat or failing power slows the card, 0 otherwise.",
        |h, put| gpus(h, put, |g| {
            (g.raw.throttles_reported || !g.raw.throttles.is_empty()).then(|| flag(g.slowed_by().next().is_some()))
        }))
        .cause(|h, of| Some(card(h, of)?.slowed_by().map(|t| t.word()).collect::<Vec<_>>().join(", "))),
    gauge("gpu_link_downtrained", Count, Gpus, GPU, "1 while the card works over less of its PCIe link than it could, 0 otherwise.",
        |h, put| gpus(h, put, |g| g.busy.is_some().then(|| flag(g.raw.link.is_downtrained(g.busy)))))
        .cause(|h, of| card(h, of)?.raw.link.shortfall()),
    gauge("gpu_uncorrected_errors", Count, Gpus, GPU, "Uncorrected memory errors since the driver was loaded.",
        |h, put| gpus(h, put, |g| g.raw.ecc.map(|errors| errors.uncorrected as f64))),
    gauge("gpu_row_remap_failed", Count, Gpus, GPU, "1 when a row of the card's memory could not be replaced, 0 otherwise.",
        |h, put| gpus(h, put, |g| g.raw.remapped.map(|rows| flag(rows.failed)))),
    gauge("gpu_row_remap_pending", Count, Gpus, GPU, "1 while a row of the card's memory waits for a reset to be replaced, 0 otherwise.",
        |h, put| gpus(h, put, |g| g.raw.remapped.map(|rows| flag(rows.pending)))),
    gauge("gpu_xid_errors_10m", Count, Gpus, GPU, "Errors that the driver reported in the last ten minutes.", |h, put| {
        // Of a lost card too: they show why. Drivers of other makers report none.
        for row in h.gpus.rows.iter().filter(|row| row.raw.maker == Maker::Nvidia) {
            put(&[&row.raw.label()], row.raw.xids.iter().filter(|x| x.is_recent(h.now.unix_ms)).count() as f64);
        }
    })
        .cause(newest_xid),
];

/// Cards that are up. A lost one has its `gpu_up` alone.
fn gpus(host: &Host, put: Put<'_>, figure: impl Fn(&GpuRow) -> Option<f64>) {
    for row in host.gpus.rows.iter().filter(|row| row.is_up()) {
        if let Some(value) = figure(row) {
            put(&[&row.raw.label()], value);
        }
    }
}

/// The card that the labels name.
fn card<'a>(host: &'a Host, labels: &[&str]) -> Option<&'a GpuRow> {
    host.gpus.labelled(labels.first()?)
}

/// The newest error of the card's driver, and how many more there were.
fn newest_xid(host: &Host, labels: &[&str]) -> Option<String> {
    let xids = &card(host, labels)?.raw.xids;
    let newest = xids.last()?;
    let more = xids.iter().filter(|x| x.is_recent(host.now.unix_ms)).count().saturating_sub(1);
    let more = if more > 0 { format!(", and {more} more in ten minutes") } else { String::new() };
    Some(format!("Xid {}, {}{more}", newest.code, xid_words(newest.code)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Stamp,
        model::{
            gpu::{Gpu, Xid},
            metrics,
        },
    };

    fn host() -> Host {
        let row = |name: &str, state: CardState, xids: &[(u64, u64)]| {
            let xids = xids.iter().map(|(code, at)| Xid { code: *code, unix_ms: Stamp::at_seconds(*at).unix_ms });
            let raw = Gpu {
                id: name.into(),
                name: name.into(),
                maker: Maker::Nvidia,
                state,
                xids: xids.collect(),
                ..Gpu::default()
            };
            GpuRow { raw, ..GpuRow::default() }
        };
        let mut host = Host { now: Stamp::at_seconds(2000), ..Host::default() };
        host.gpus.rows = vec![
            row("a", CardState::Up, &[(31, 100), (79, 1900), (13, 1990)]),
            row("b", CardState::Asleep, &[]),
            row("c", CardState::Lost("it fell off the bus".into()), &[(48, 1999)]),
        ];
        host
    }

    #[test]
    fn a_card_that_sleeps_is_up_and_a_lost_one_is_not() {
        let host = host();
        let of = |id: &str| {
            let mut all = Vec::new();
            (metrics::find(id).expect("a metric").read)(&host, &mut |_, value| all.push(value));
            all
        };
        assert_eq!(of("gpu_up"), [1.0, 1.0, 0.0]);
        assert_eq!(of("gpu_xid_errors_10m"), [2.0, 0.0, 1.0]);
    }

    #[test]
    fn the_newest_error_of_a_card_is_named() {
        let host = host();
        let said = |at: usize| newest_xid(&host, &[&host.gpus.rows[at].raw.label()]);
        assert_eq!(
            said(0).as_deref(),
            Some("Xid 13, a program's graphics engine exception, and 1 more in ten minutes")
        );
        assert_eq!(said(1), None);
        assert_eq!(said(2).as_deref(), Some("Xid 48, uncorrectable memory error"));
        assert_eq!((newest_xid(&host, &["none"]), newest_xid(&host, &[])), (None, None));
    }
}
