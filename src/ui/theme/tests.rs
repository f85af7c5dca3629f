//! What every theme owes its reader: contrast, calm, a selection that is seen on any terminal.

use ratatui::style::Modifier;

use super::{
    color::{Rgb, chroma, contrast, hue, rgb},
    set::SHIPPED,
    *,
};
use crate::config::settings::Colors;

fn load(name: &str, colors: Colors) -> Theme {
    ThemeSet::new(None, colors, false).load(name).unwrap_or_else(|f| panic!("{name}: {}", f[0]))
}

/// The theme's background.
fn ground(name: &str, theme: &Theme) -> Rgb {
    let bg = theme.style(Role::Surface).bg.and_then(rgb);
    bg.unwrap_or_else(|| {
        let text = SHIPPED.iter().find(|s| s.name == name).unwrap().text;
        let hint = text.lines().find_map(|l| l.strip_prefix("background = \"")).expect("declares its background");
        rgb(color::parse(hint.trim_end_matches('"')).unwrap()).unwrap()
    })
}

fn faults(name: &str) -> Vec<String> {
    let theme = load(name, Colors::True);
    let ground = ground(name, &theme);
    let fill = |role: Role| theme.style(role).bg.and_then(rgb).unwrap_or(ground);
    let mut faults = Vec::new();
    for def in &ROLES {
        let style = theme.style(def.role);
        let Some(fg) = style.fg.and_then(rgb) else { continue };
        let quiet = matches!(def.role, Role::Dim | Role::Faint | Role::TableHeader | Role::KeyText | Role::Unknown);
        let judged: &[(Role, f64)] = match def.kind {
            Kind::Text if quiet => &[(Role::Surface, 4.5), (Role::SurfaceRaised, 4.5), (Role::Selected, 3.0)],
            Kind::Text => &[(Role::Surface, 4.5), (Role::SurfaceRaised, 4.5), (Role::Selected, 4.5)],
            Kind::Graph => &[(Role::Surface, 3.0)],
            Kind::Chip | Kind::Fill if style.bg.is_some() => &[(def.role, 4.5)],
            _ => &[],
        };
        for (under, least) in judged {
            // A selection that brings its own text colour hides the role's.
            let fg = if *under == Role::Selected { theme.style(*under).fg.and_then(rgb).unwrap_or(fg) } else { fg };
            let ratio = contrast(fg, fill(*under));
            if ratio < *least {
                faults.push(format!("{name}: {} on {}: {ratio:.2}, not {least}", def.name, under.def().name));
            }
        }
    }
    faults
}

#[test]
fn text_of_every_theme_is_readable() {
    let all: Vec<_> = SHIPPED.iter().flat_map(|s| faults(s.name)).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn amber_and_red_mean_a_crossed_threshold_and_nothing_else() {
    for shipped in SHIPPED {
        let theme = load(shipped.name, Colors::True);
        // Wrong input is no alarm of the machine.
        let calm = |d: &&RoleDef| d.kind == Kind::Graph && d.role != Role::Limit || d.role == Role::Invalid;
        for def in ROLES.iter().filter(calm) {
            let Some(c) = theme.style(def.role).fg.and_then(rgb) else { continue };
            let alarming = chroma(c) > 0.3 && !(56.0..344.0).contains(&hue(c));
            assert!(!alarming, "{}: {} looks like an alarm", shipped.name, def.name);
        }
    }
}

#[test]
fn the_selected_row_is_seen_on_every_terminal() {
    for shipped in SHIPPED {
        for colors in [Colors::None, Colors::Sixteen, Colors::TwoFiveSix, Colors::True] {
            let theme = load(shipped.name, colors);
            let selected = theme.style(Role::Selected);
            let stands_out = selected.bg.is_some() && selected.bg != theme.style(Role::Surface).bg;
            let reversed = selected.add_modifier.contains(Modifier::REVERSED);
            assert!(stands_out || reversed, "{} with {colors:?}: {selected:?}", shipped.name);
        }
    }
}

#[test]
fn without_colour_no_theme_names_one_and_severity_is_bold() {
    for shipped in SHIPPED {
        let theme = load(shipped.name, Colors::None);
        assert!(theme.styles.iter().all(|s| s.fg.is_none() && s.bg.is_none()), "{}", shipped.name);
        assert!(theme.style(Role::Selected).add_modifier.contains(Modifier::REVERSED));
        for role in [Role::Warn, Role::Crit] {
            assert!(theme.style(role).add_modifier.contains(Modifier::BOLD), "{}", shipped.name);
        }
    }
}

#[test]
fn sixteen_colours_keep_severity_hues_and_readable_text() {
    for shipped in SHIPPED.iter().filter(|s| !matches!(s.name, "mono" | "colorblind")) {
        let theme = load(shipped.name, Colors::Sixteen);
        let of = |role: Role| theme.style(role).fg.and_then(rgb).unwrap();
        assert!((20.0..=60.0).contains(&hue(of(Role::Warn))), "{}: {:?}", shipped.name, theme.style(Role::Warn));
        assert_eq!(hue(of(Role::Crit)), 0.0, "{}: {:?}", shipped.name, theme.style(Role::Crit));
        let ground = ground(shipped.name, &theme);
        for role in [Role::Text, Role::Dim, Role::Strong] {
            assert!(contrast(of(role), ground) >= 4.5, "{}: {role:?} {:?} on {ground:?}", shipped.name, of(role));
        }
    }
}

#[test]
fn wrong_input_differs_from_text_and_alarms() {
    for shipped in SHIPPED {
        for colors in [Colors::None, Colors::Sixteen, Colors::TwoFiveSix, Colors::True] {
            let theme = load(shipped.name, colors);
            let invalid = theme.style(Role::Invalid);
            for role in [Role::Text, Role::Dim, Role::Strong, Role::Warn, Role::Crit] {
                assert_ne!(invalid, theme.style(role), "{} with {colors:?}: {role:?}", shipped.name);
            }
        }
    }
}

#[test]
fn warnings_and_critical_differ_in_lightness_too() {
    let theme = load("colorblind", Colors::True);
    let of = |role: Role| theme.style(role).fg.and_then(rgb).unwrap();
    assert!(contrast(of(Role::Warn), of(Role::Crit)) > 1.5);
}

#[test]
fn a_file_inherits_changes_a_word_and_every_role_follows() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.toml"), "inherits = \"calm\"\n[palette]\naccent = \"#ff00ff\"\n").unwrap();
    let set = ThemeSet::new(Some(folder.path().to_owned()), Colors::True, true);
    let theme = set.load("mine").unwrap();
    assert_eq!(theme.style(Role::Key).fg, Some(ratatui::style::Color::Rgb(255, 0, 255)));
    assert_eq!(theme.style(Role::Text), load("calm", Colors::True).style(Role::Text));
    assert!(theme.glyphs.ascii);
    assert_eq!(set.names().last().map(String::as_str), Some("mine"));
    let own = set.own().unwrap().recv().unwrap();
    assert_eq!(own.iter().map(|ready| ready.name.as_str()).collect::<Vec<_>>(), ["mine"]);
}

#[test]
fn a_users_calm_may_inherit_from_the_shipped_calm() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("calm.toml"), "inherits = \"calm\"\n[roles]\ntext = \"white\"\n").unwrap();
    let set = ThemeSet::new(Some(folder.path().to_owned()), Colors::True, false);
    assert_ne!(set.load("calm").unwrap().style(Role::Dim), ratatui::style::Style::new());
}

#[test]
fn faults_of_a_theme_name_their_place_and_cure() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let set = ThemeSet::new(Some(folder.path().to_owned()), Colors::True, false);
    for (name, text, expected) in [
        ("a", "inherits = \"clam\"\n", ":1:12: no theme `clam`\n  hint: did you mean `calm`?"),
        ("b", "inherits = \"c\"\n", ""),
        ("c", "\ninherits = \"b\"\n", ""),
        (
            "d",
            "[palette]\nsnow = \"#bf61\"\n",
            ":2:8: `snow`: `#bf61` is not a colour\n  hint: write #rgb, #rrggbb, a name of the palette, an ANSI name, 0 to 255, or default",
        ),
        (
            "e",
            "[palette]\nsnow = \"#fff\"\n[roles]\ntext = \"snwo\"\n",
            ":4:8: `text`: `snwo` is not a colour\n  hint: did you mean `snow`?",
        ),
    ] {
        std::fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
        if !expected.is_empty() {
            let diagnostics = set.load(name).unwrap_err();
            assert_eq!(diagnostics[0].to_string(), format!("{}{expected}", at(&format!("{name}.toml"))));
        }
    }
    let circle = set.load("b").unwrap_err();
    assert!(circle[0].what.contains("circular") && circle[0].place.ends_with("c.toml"), "{}", circle[0]);
    let unknown = set.load("gruvbax").unwrap_err();
    assert_eq!(unknown[0].hint.as_deref(), Some("did you mean `gruvbox`?"));
    let missing = set.load("/nowhere/x.toml").unwrap_err();
    assert_eq!(missing[0].to_string(), "/nowhere/x.toml: no such file");
}
