//! A theme's colours brought down to what the terminal can show. What a colour means must survive: a selected row stays
//! visible, text stays readable, amber stays yellow rather than the nearest grey.

use ratatui::style::{Color, Modifier, Style};

use super::{
    color::{CONSOLE, Rgb, ansi, chroma, contrast, hue, indexed, luminance, rgb},
    roles::{Kind, ROLE_COUNT, ROLES, Role},
};
use crate::config::settings::Colors;

/// Reduces all styles; `backdrop` is the theme's background.
pub fn reduce(styles: &mut [Style; ROLE_COUNT], colors: Colors, backdrop: Rgb) {
    match colors {
        Colors::Auto | Colors::True => return,
        Colors::None => {
            for (style, def) in styles.iter_mut().zip(&ROLES) {
                *style = Style::new().add_modifier(style.add_modifier | def.plain);
            }
            return;
        }
        Colors::TwoFiveSix => {
            for style in styles.iter_mut() {
                style.fg = style.fg.map(to_256);
                style.bg = style.bg.map(to_256);
            }
        }
        Colors::Sixteen => {
            let ground = rgb(to_16(Color::Rgb(backdrop[0], backdrop[1], backdrop[2]), None)).unwrap_or(backdrop);
            for style in styles.iter_mut() {
                style.bg = style.bg.map(|c| to_16(c, None));
                let under = style.bg.and_then(rgb).unwrap_or(ground);
                style.fg = style.fg.map(|c| to_16(c, Some(under)));
            }
        }
    }
    let surface = styles[Role::Surface as usize].bg;
    for (style, def) in styles.iter_mut().zip(&ROLES) {
        // A selection that fell onto the colour of the surface would not be seen.
        let is_selection = matches!(def.role, Role::Selected | Role::SelectedUnfocused);
        if is_selection && (style.bg == surface || style.bg.is_none()) && !style.add_modifier.contains(def.plain) {
            style.bg = None;
            style.add_modifier |= def.plain;
        }
        if def.kind == Kind::Chip && style.fg == style.bg {
            *style = Style::new().add_modifier(Modifier::REVERSED);
        }
    }
}

/// The nearest of the cube and the greys; the first 16 are left out, for they are the user's.
fn to_256(color: Color) -> Color {
    let Color::Rgb(r, g, b) = color else { return color };
    let distance = |i: u8| -> u32 {
        // Weights of the eye: green counts most.
        indexed(i).iter().zip([r, g, b]).zip([3, 4, 2]).map(|((a, b), w)| u32::from(a.abs_diff(b)).pow(2) * w).sum()
    };
    // In the cube each channel is nearest on its own.
    let level = |channel: usize, wanted: u8| {
        (0..6u8).min_by_key(|level| indexed(16 + 43 * level)[channel].abs_diff(wanted)).unwrap_or(0)
    };
    let in_cube = 16 + 36 * level(0, r) + 6 * level(1, g) + level(2, b);
    let greys = 232..=255;
    Color::Indexed(std::iter::once(in_cube).chain(greys).min_by_key(|i| distance(*i)).unwrap_or(255))
}

/// The nearest of the 16: colours by hue and then lightness, greys by lightness; on `under` it must keep 3:1.
fn to_16(color: Color, under: Option<Rgb>) -> Color {
    let Some(wanted) = (match color {
        Color::Rgb(..) | Color::Indexed(16..) => rgb(color),
        _ => None,
    }) else {
        return color;
    };
    let readable = |i: &usize| under.is_none_or(|u| contrast(CONSOLE[*i], u) >= 3.0);
    let light = luminance(wanted);
    let by_light = |i: &usize| (luminance(CONSOLE[*i]) - light).abs();
    let is_grey = chroma(wanted) < 0.25;
    let turned = |i: &usize| {
        let turn = (hue(CONSOLE[*i]) - hue(wanted)).abs();
        turn.min(360.0 - turn)
    };
    let kin = (0..16).filter(|i| (chroma(CONSOLE[*i]) < 0.25) == is_grey).filter(readable);
    let best = if is_grey {
        kin.min_by(|a, b| by_light(a).total_cmp(&by_light(b)))
    } else {
        kin.min_by(|a, b| turned(a).total_cmp(&turned(b)).then(by_light(a).total_cmp(&by_light(b))))
    };
    best.map_or(Color::Reset, ansi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amber_stays_yellow_and_red_stays_red() {
        let amber = Color::Rgb(0xe0, 0xaf, 0x68);
        let red = Color::Rgb(0xf7, 0x76, 0x8e);
        assert!(matches!(to_16(amber, Some([0; 3])), Color::Yellow | Color::LightYellow));
        assert!(matches!(to_16(red, Some([0; 3])), Color::Red | Color::LightRed));
    }

    #[test]
    fn dim_text_on_black_stays_readable() {
        assert_eq!(to_16(Color::Rgb(0x76, 0x7e, 0x8f), Some([0; 3])), Color::Gray);
    }

    #[test]
    fn the_nearest_of_256_is_found() {
        assert_eq!(to_256(Color::Rgb(255, 0, 0)), Color::Indexed(196));
        assert_eq!(to_256(Color::Rgb(0x12, 0x12, 0x12)), Color::Indexed(233));
        assert_eq!(to_256(Color::Cyan), Color::Cyan);
        let weighed = |i: u8, wanted: Rgb| -> u32 {
            let apart = indexed(i).into_iter().zip(wanted).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2));
            apart.zip([3, 4, 2]).map(|(apart, weight)| apart * weight).sum()
        };
        let steps = || (0..=255u8).step_by(17);
        for wanted in steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| [r, g, b]))) {
            let nearest = (16..=255).min_by_key(|i| weighed(*i, wanted)).map(Color::Indexed);
            assert_eq!(Some(to_256(Color::Rgb(wanted[0], wanted[1], wanted[2]))), nearest, "{wanted:?}");
        }
    }
}
