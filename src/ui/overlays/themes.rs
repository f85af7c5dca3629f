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
            Action::Top => {
                self.cursor.hold(0);
                Some(self.preview())
            }
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
