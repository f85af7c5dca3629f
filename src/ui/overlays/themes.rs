//! The themes to choose from: each is put on as the cursor comes to it, and the one before comes back on Esc.

use std::sync::mpsc::Receiver;

use ratatui::layout::Rect;

use crate::{
    state::State,
    text::width,
    ui::{
        action::Action,
        canvas::{Canvas, DrawCx, Target},
        table::cursor::Cursor,
        theme::{Ready, Role, Theme, ThemeSet},
        view::{Effect, Overlay},
        widgets::text::{put, tint},
    },
};

/// Colours of which each line shows a sample.
const SAMPLE: [Role; 9] = [
    Role::Accent,
    Role::CpuUser,
    Role::CpuSystem,
    Role::MemoryUsed,
    Role::DiskRead,
    Role::NetReceive,
    Role::Warn,
    Role::Crit,
    Role::Dim,
];

/// The chooser.
pub struct Themes {
    /// What was on when it was opened.
    before: Theme,
    all: Vec<Ready>,
    /// The user's own come from files, which are read on a thread of their own.
    awaited: Option<Receiver<Vec<Ready>>>,
    cursor: Cursor<usize>,
}

impl Themes {
    /// Over the themes of `set`, with `worn` on.
    #[must_use]
    pub fn new(worn: &Theme, set: &ThemeSet) -> Self {
        let mut all = set.shipped();
        if all.iter().all(|ready| ready.name != worn.name) {
            let about = "in force now".to_owned();
            all.insert(0, Ready { name: worn.name.clone(), about, theme: Ok(worn.clone()) });
        }
        let mut themes = Themes { before: worn.clone(), all, awaited: set.own(), cursor: Cursor::default() };
        themes.list(&worn.name);
        themes
    }

    /// Lists what is there; the cursor goes to the theme called `name`.
    fn list(&mut self, name: &str) {
        self.cursor.settle(0..self.all.len());
        self.cursor.hold(self.all.iter().position(|ready| ready.name == name).unwrap_or(0));
    }

    /// Takes in the user's own themes; one with the name of a built-in one replaces it.
    fn take(&mut self, own: Vec<Ready>) {
        let here = self.all.get(self.cursor.position()).map(|ready| ready.name.clone());
        for ready in own {
            match self.all.iter_mut().find(|other| other.name == ready.name) {
                Some(other) => *other = ready,
                None => self.all.push(ready),
            }
        }
        self.list(&here.unwrap_or_default());
    }

    fn chosen(&self) -> Option<&Ready> {
        self.all.get(self.cursor.position())
    }

    /// Puts the theme under the cursor on.
    fn preview(&self) -> Vec<Effect> {
        let theme = self.chosen().and_then(|ready| ready.theme.as_ref().ok());
        theme.map(|theme| Effect::Theme(Box::new(theme.clone()))).into_iter().collect()
    }

    /// Puts it on and closes; a broken one says what is wrong with it.
    fn choose(&self, also: Option<Effect>) -> Vec<Effect> {
        match self.chosen().map(|ready| &ready.theme) {
            Some(Err(diagnostic)) => vec![Effect::Say(crate::alert::Level::Warn, diagnostic.line())],
            _ => self.preview().into_iter().chain([Effect::Close]).chain(also).collect(),
        }
    }

    fn name_width(&self) -> u16 {
        u16::try_from(self.all.iter().map(|ready| width(&ready.name)).max().unwrap_or(0)).unwrap_or(u16::MAX).min(30)
    }
}

impl Overlay for Themes {
    fn title(&self, _state: &State) -> String {
        "theme".to_owned()
    }

    fn size(&self, _state: &State) -> (u16, u16) {
        let about = self.all.iter().map(|ready| width(&ready.about)).max().unwrap_or(0);
        let columns = usize::from(self.name_width()) + SAMPLE.len() + 4 + about;
        (columns.min(90) as u16, u16::try_from(self.all.len()).unwrap_or(u16::MAX))
    }

    fn refresh(&mut self, _state: &State) {
        if let Some(own) = self.awaited.as_ref().and_then(|awaited| awaited.try_recv().ok()) {
            self.awaited = None;
            self.take(own);
        }
    }

    fn draw(&self, cx: &DrawCx<'_>, area: Rect, canvas: &mut Canvas<'_>) {
        let block = if cx.theme.glyphs.ascii { "#" } else { "█" };
        let names = self.name_width();
        for (index, y) in self.cursor.window(usize::from(area.height)).zip(area.y..area.bottom()) {
            let Some(ready) = self.all.get(index) else { continue };
            let row = Rect { y, height: 1, ..area };
            let worn = ready.name == self.before.name;
            let role = if worn { Role::Strong } else { Role::Text };
            put(canvas.buf, area.x, y, names.min(area.width), &ready.name, cx.theme.style(role));
            let mut x = area.x + names + 2;
            if index == self.cursor.position() {
                tint(canvas.buf, row, cx.theme.style(Role::Selected));
            }
            let (about, role) = match &ready.theme {
                Ok(theme) => {
                    for role in SAMPLE {
                        x += put(canvas.buf, x, y, area.right().saturating_sub(x), block, theme.style(role));
                    }
                    (ready.about.clone(), Role::Dim)
                }
                Err(diagnostic) => (diagnostic.line(), Role::Invalid),
            };
            x += 2;
            put(canvas.buf, x, y, area.right().saturating_sub(x), &about, cx.theme.style(role));
            canvas.hit(row, Target::OverlayRow(index));
        }
    }

    fn act(&mut self, action: Action, _state: &State) -> Option<Vec<Effect>> {
        if self.cursor.act(action) {
            return Some(self.preview());
        }
        match action {
            // The key that opened it goes on to the next, as a key that walks through them would.
            Action::Themes => {
                self.cursor.hold((self.cursor.position() + 1) % self.all.len().max(1));
                Some(self.preview())
            }
            Action::Open => Some(self.choose(None)),
            Action::Save => Some(self.choose(Some(Effect::Save(vec!["theme"])))),
            Action::Back => Some(vec![Effect::Theme(Box::new(self.before.clone())), Effect::Close]),
            _ => None,
        }
    }

    fn click(&mut self, target: &Target, _state: &State) -> Vec<Effect> {
        let Target::OverlayRow(index) = target else { return Vec::new() };
        let again = self.cursor.position() == *index;
        self.cursor.hold(*index);
        if again { self.choose(None) } else { self.preview() }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![
            (Action::Open, "use until I quit"),
            (Action::Save, "use and save for the next start"),
            (Action::Down, "next"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::settings::Colors, diag::Diagnostic};

    fn themes() -> Themes {
        Themes::new(&Theme::plain(), &ThemeSet::new(None, Colors::True, false))
    }

    /// The theme that is put on, and whether the list closes.
    fn worn(effects: &[Effect]) -> (Option<&str>, bool) {
        let theme = effects.iter().find_map(|effect| match effect {
            Effect::Theme(theme) => Some(theme.name.as_str()),
            _ => None,
        });
        (theme, effects.iter().any(|effect| matches!(effect, Effect::Close)))
    }

    #[test]
    fn the_key_that_opens_it_goes_round() {
        let (mut themes, state) = (themes(), State::default());
        assert_eq!((themes.all[0].name.as_str(), themes.cursor.position()), ("plain", 0), "it is not a shipped one");
        let count = themes.all.len();
        for at in (1..count).chain([0, 1]) {
            let effects = themes.act(Action::Themes, &state).unwrap();
            assert_eq!(worn(&effects), (Some(themes.all[at].name.as_str()), false));
        }
        assert_eq!(worn(&themes.act(Action::Bottom, &state).unwrap()).0, themes.all.last().map(|last| &*last.name));
        assert_eq!(worn(&themes.act(Action::Top, &state).unwrap()), (Some("plain"), false));
        assert!(themes.act(Action::Search, &state).is_none());
    }

    #[test]
    fn it_is_kept_saved_or_taken_back() {
        let (mut themes, state) = (themes(), State::default());
        themes.act(Action::Down, &state);
        let chosen = themes.all[1].name.clone();
        let open = themes.act(Action::Open, &state).unwrap();
        assert_eq!((worn(&open), open.len()), ((Some(chosen.as_str()), true), 2));
        let save = themes.act(Action::Save, &state).unwrap();
        assert_eq!(worn(&save), (Some(chosen.as_str()), true));
        assert!(save.iter().any(|effect| matches!(effect, Effect::Save(names) if *names == ["theme"])));
        assert_eq!(worn(&themes.act(Action::Back, &state).unwrap()), (Some("plain"), true));
    }

    #[test]
    fn one_click_shows_it_and_two_choose_it() {
        let (mut themes, state) = (themes(), State::default());
        let name = themes.all[2].name.clone();
        assert_eq!(worn(&themes.click(&Target::OverlayRow(2), &state)), (Some(name.as_str()), false));
        assert_eq!(worn(&themes.click(&Target::OverlayRow(2), &state)), (Some(name.as_str()), true));
    }

    #[test]
    fn the_users_own_are_added_and_replace_their_namesakes() {
        let (mut themes, state) = (themes(), State::default());
        themes.act(Action::Down, &state);
        let (count, namesake) = (themes.all.len(), themes.all[2].name.clone());
        let own = |name: &str| Ready { name: name.into(), about: "mine".into(), theme: Ok(Theme::plain()) };
        let broken = Ready { theme: Err(Diagnostic::new("b.toml", "no such colour")), ..own("broken") };
        themes.take(vec![own(&namesake), broken]);
        assert_eq!((themes.all.len(), themes.all[2].about.as_str(), themes.cursor.position()), (count + 1, "mine", 1));
        assert_eq!(worn(&themes.act(Action::Bottom, &state).unwrap()), (None, false), "a broken one is not put on");
        let said = themes.act(Action::Open, &state).unwrap();
        assert!(matches!(&said[..], [Effect::Say(_, words)] if words.contains("no such colour")), "it stays open");
    }
}
