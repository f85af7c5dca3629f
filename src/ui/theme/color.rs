//! Colours by name and number, and how well one is read on another (WCAG 2.2, "contrast ratio").

use ratatui::style::Color;

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// The 16 ANSI colours by name, in their order.
pub const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "gray",
    "dark_gray",
    "light_red",
    "light_green",
    "light_yellow",
    "light_blue",
    "light_magenta",
    "light_cyan",
    "white",
];

/// The 16 colours as a Linux console shows them; other terminals differ, and their users may have changed them.
pub const CONSOLE: [Rgb; 16] = [
    [0x00, 0x00, 0x00],
    [0xaa, 0x00, 0x00],
    [0x00, 0xaa, 0x00],
    [0xaa, 0x55, 0x00],
    [0x00, 0x00, 0xaa],
    [0xaa, 0x00, 0xaa],
    [0x00, 0xaa, 0xaa],
    [0xaa, 0xaa, 0xaa],
    [0x55, 0x55, 0x55],
    [0xff, 0x55, 0x55],
    [0x55, 0xff, 0x55],
    [0xff, 0xff, 0x55],
    [0x55, 0x55, 0xff],
    [0xff, 0x55, 0xff],
    [0x55, 0xff, 0xff],
    [0xff, 0xff, 0xff],
];

const ANSI: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// One of the 16 colours.
pub fn ansi(index: usize) -> Color {
    ANSI[index & 15]
}

/// Reads `#rgb`, `#rrggbb`, `default`, one of [`NAMES`] or a number from 0 to 255.
pub fn parse(text: &str) -> Option<Color> {
    if let Some(hex) = text.strip_prefix('#') {
        return parse_hex(hex);
    }
    if text == "default" {
        return Some(Color::Reset);
    }
    let name = text.replace(['-', ' '], "_").to_ascii_lowercase().replace("grey", "gray").replace("bright_", "light_");
    if let Some(index) = NAMES.iter().position(|n| *n == name) {
        return Some(ansi(index));
    }
    text.parse().ok().map(Color::Indexed)
}

fn parse_hex(hex: &str) -> Option<Color> {
    if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(hex, 16).ok()?;
    let part = |shift: u32, mask: u32| u8::try_from(number >> shift & mask).unwrap_or(0);
    match hex.len() {
        3 => Some(Color::Rgb(part(8, 15) * 17, part(4, 15) * 17, part(0, 15) * 17)),
        6 => Some(Color::Rgb(part(16, 255), part(8, 255), part(0, 255))),
        _ => None,
    }
}

/// What a colour looks like; `None` for the terminal's own.
pub fn rgb(color: Color) -> Option<Rgb> {
    match color {
        Color::Reset => None,
        Color::Rgb(r, g, b) => Some([r, g, b]),
        Color::Indexed(i) => Some(indexed(i)),
        named => ANSI.iter().position(|c| *c == named).map(|i| CONSOLE[i]),
    }
}

/// The colours of a 256-colour terminal: the 16, a cube of 6x6x6, 24 greys.
pub fn indexed(index: u8) -> Rgb {
    match index {
        0..16 => CONSOLE[usize::from(index)],
        16..232 => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + n * 40 };
            let i = index - 16;
            [step(i / 36), step(i / 6 % 6), step(i % 6)]
        }
        232.. => [8 + (index - 232) * 10; 3],
    }
}

/// How much light a colour gives, 0 to 1.
pub fn luminance([r, g, b]: Rgb) -> f64 {
    let linear = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/// From 1 (alike) to 21 (black on white).
pub fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How colourful: 0 for greys, 1 for pure colours.
pub fn chroma([r, g, b]: Rgb) -> f64 {
    f64::from(r.max(g).max(b) - r.min(g).min(b)) / 255.0
}

/// The angle on the colour wheel in degrees: 0 red, 120 green, 240 blue. 0 for greys too.
pub fn hue(color: Rgb) -> f64 {
    let [r, g, b] = color.map(f64::from);
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let spread = max - min;
    if spread == 0.0 {
        return 0.0;
    }
    let sixths = if max == r {
        (g - b) / spread
    } else if max == g {
        (b - r) / spread + 2.0
    } else {
        (r - g) / spread + 4.0
    };
    (sixths * 60.0).rem_euclid(360.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_all_their_spellings() {
        for (text, color) in [
            ("#fff", Color::Rgb(255, 255, 255)),
            ("#7aa2f7", Color::Rgb(0x7a, 0xa2, 0xf7)),
            ("default", Color::Reset),
            ("bright-red", Color::LightRed),
            ("dark grey", Color::DarkGray),
            ("208", Color::Indexed(208)),
        ] {
            assert_eq!(parse(text), Some(color), "{text}");
        }
        for bad in ["#ff", "#gggggg", "#日本", "256", "-1", "pinkish", "", "#+12345"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn contrast_runs_from_1_to_21() {
        assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
        assert!((contrast([90; 3], [90; 3]) - 1.0).abs() < 1e-9);
        // A pair worked out by hand from the definition: #777 on white is the well-known near miss of 4.48.
        assert!((contrast([0x77; 3], [255; 3]) - 4.48).abs() < 0.01);
    }

    #[test]
    fn hues_go_around_the_wheel() {
        assert_eq!(hue([255, 0, 0]), 0.0);
        assert_eq!(hue([0, 255, 255]), 180.0);
        assert_eq!(hue([255, 0, 255]), 300.0);
        assert_eq!(indexed(196), [255, 0, 0]);
        assert_eq!(indexed(232), [8, 8, 8]);
    }
}
