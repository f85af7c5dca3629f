//! Figures in fixed widths, `–` where there is none, and the styles that levels give them.

use std::time::Duration;

use ratatui::style::Style;

use super::{canvas::DrawCx, theme::Role};
use crate::{
    alert::{Level, Limits},
    units::{self, ABSENT},
};

/// A figure right-aligned in `columns`, or `–`.
#[must_use]
pub fn fixed(value: Option<f64>, columns: usize, show: fn(f64) -> String) -> String {
    match value {
        Some(v) => format!("{:>columns$}", show(v)),
        None => format!("{ABSENT:>columns$}"),
    }
}

/// A share of one in four columns: ` 24%`, `100%`.
#[must_use]
pub fn percent(share: Option<f64>) -> String {
    fixed(share, 4, units::percent)
}

/// Bytes, or bytes a second, in five columns.
#[must_use]
pub fn bytes(value: Option<f64>) -> String {
    fixed(value, 5, units::bytes_short)
}

/// `+1.2G`, `-300M`, `0`.
#[must_use]
pub fn signed_bytes(bytes: f64) -> String {
    let sign = match bytes {
        b if b >= 0.5 => "+",
        b if b <= -0.5 => "-",
        _ => "",
    };
    format!("{sign}{}", units::bytes_short(bytes.abs()))
}

/// A latency in seven columns.
#[must_use]
pub fn latency(seconds: Option<f64>) -> String {
    fixed(seconds, 7, |s| if s < 0.9995 { format!("{:.1} ms", s * 1e3) } else { format!("{s:.1} s") })
}

/// A temperature in the user's unit: `61 °C`.
#[must_use]
pub fn temperature(celsius: f64, cx: &DrawCx<'_>) -> String {
    degrees(celsius, cx.settings.fahrenheit)
}

/// A temperature in this unit.
#[must_use]
pub fn degrees(celsius: f64, fahrenheit: bool) -> String {
    if fahrenheit { format!("{:.0} °F", celsius * 1.8 + 32.0) } else { format!("{celsius:.0} °C") }
}

/// A frequency: `4.9 GHz`, `800 MHz`.
#[must_use]
pub fn frequency(hertz: f64) -> String {
    if hertz >= 999.5e6 { format!("{:.1} GHz", hertz / 1e9) } else { format!("{:.0} MHz", hertz / 1e6) }
}

/// A stall share as per cent without its sign, one decimal: `0.4`.
#[must_use]
pub fn stall(share: Option<f64>) -> String {
    fixed(share, 4, |s| if s < 0.0995 { format!("{:.1}", s * 100.0) } else { format!("{:.0}", s * 100.0) })
}

/// The style of a figure among many: plain text while all is well, the level's colour otherwise.
#[must_use]
pub fn plain(cx: &DrawCx<'_>, level: Level) -> Style {
    if level == Level::Ok { cx.theme.style(Role::Text) } else { cx.theme.level(level) }
}

/// The span that `steps` of a series cover: `2m`, `10m`.
#[must_use]
pub fn covered(step: Duration, steps: usize) -> String {
    units::span_short(step * u32::try_from(steps).unwrap_or(u32::MAX))
}

/// The style of a figure at `level`: strong text until a limit is crossed.
#[must_use]
pub fn figure(cx: &DrawCx<'_>, level: Level) -> Style {
    if level == Level::Ok { cx.theme.style(Role::Strong) } else { cx.theme.level(level) }
}

/// The style of a gauge or a graph at `level`: its own hue until a limit is crossed.
#[must_use]
pub fn hue(cx: &DrawCx<'_>, level: Level, role: Role) -> Style {
    if level >= Level::Warn { cx.theme.level(level) } else { cx.theme.style(role) }
}

/// The role of words at `level`; `otherwise` while no rule speaks of them.
#[must_use]
pub fn role_of(level: Level, otherwise: Role) -> Role {
    match level {
        Level::Crit => Role::Crit,
        Level::Warn => Role::Warn,
        Level::Advice => Role::Advice,
        Level::Ok | Level::Unknown => otherwise,
    }
}

/// The limit that a gauge shows: the first that would be crossed.
#[must_use]
pub fn tick(limits: Option<Limits>) -> Option<f64> {
    limits.and_then(|l| l.alert_limit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::Settings,
        state::State,
        ui::canvas::testing::{Look, drawn},
    };

    #[test]
    fn figures_keep_their_width_and_absent_ones_say_so() {
        assert_eq!(percent(Some(0.04)), "  4%");
        assert_eq!(percent(Some(1.0)), "100%");
        assert_eq!(percent(None), "   –");
        assert_eq!(bytes(None), "    –");
        assert_eq!(latency(Some(0.0003)), " 0.3 ms");
        assert_eq!(stall(Some(0.004)), " 0.4");
        assert_eq!(stall(Some(1.0)), " 100");
        assert_eq!(frequency(4.9e9), "4.9 GHz");
        assert_eq!(frequency(8e8), "800 MHz");
    }

    #[test]
    fn units_change_where_the_figure_would_need_a_digit_more() {
        assert_eq!([0.9994, 0.9995, 12.34].map(|s| latency(Some(s))), ["999.4 ms", "  1.0 s", " 12.3 s"]);
        assert_eq!(latency(None), "      –");
        assert_eq!([999.4e6, 999.5e6].map(frequency), ["999 MHz", "1.0 GHz"]);
        assert_eq!([0.0994, 0.0995].map(|share| stall(Some(share))), [" 9.9", "  10"]);
        assert_eq!([0.49, 0.51, -0.49, -0.51, -2048.0].map(signed_bytes), ["0", "+1", "0", "-1", "-2.0K"]);
        assert_eq!((degrees(61.0, false), degrees(61.0, true)), ("61 °C".to_owned(), "142 °F".to_owned()));
        assert_eq!(covered(Duration::from_secs(2), 60), "2m");
    }

    #[test]
    fn a_level_gives_its_colour_to_what_it_judges() {
        let levels = [Level::Unknown, Level::Ok, Level::Advice, Level::Warn, Level::Crit];
        let roles = |style: fn(&DrawCx<'_>, Level) -> Style| {
            let shown = drawn(&State::default(), (5, 1), |cx, area, canvas| {
                for (level, x) in levels.into_iter().zip(area.left()..) {
                    canvas.buf[(x, 0)].set_style(style(cx, level));
                }
            });
            [0, 1, 2, 3, 4].map(|x| shown.role_at(x, 0).expect("it has a style"))
        };
        use Role::{Advice, Crit, Dim, Gpu, Strong, Text, Unknown, Warn};
        assert_eq!(roles(plain), [Unknown, Text, Advice, Warn, Crit]);
        assert_eq!(roles(figure), [Unknown, Strong, Advice, Warn, Crit]);
        assert_eq!(roles(|cx, level| hue(cx, level, Gpu)), [Gpu, Gpu, Gpu, Warn, Crit]);
        assert_eq!(levels.map(|level| role_of(level, Dim)), [Dim, Dim, Advice, Warn, Crit]);
    }

    #[test]
    fn a_gauge_shows_the_limit_that_is_crossed_first() {
        let limits = |warn, crit| Limits { warn, crit, ..Limits::default() };
        assert_eq!(tick(Some(limits(Some(0.8), Some(0.9)))), Some(0.8));
        assert_eq!(tick(Some(limits(None, Some(0.9)))), Some(0.9));
        assert_eq!((tick(Some(limits(None, None))), tick(None)), (None, None));
    }

    #[test]
    fn temperatures_follow_the_settings() {
        let shown = |fahrenheit| {
            let look = Look { settings: Settings { fahrenheit, ..Settings::default() }, ..Look::default() };
            let mut shown = String::new();
            look.draw(&State::default(), (1, 1), |cx, _, _| shown = temperature(20.0, cx));
            shown
        };
        assert_eq!((shown(false), shown(true)), ("20 °C".into(), "68 °F".to_owned()));
    }
}
