//! From keys to actions: names of keys as people write them, the built-in keys with the user's changes, conflicts reported.

use std::collections::{BTreeMap, HashMap};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::action::{ACTIONS, Action, ActionDef, Context};
use crate::diag::did_you_mean;

/// A key with its modifiers, in the one spelling that all terminals are brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// What is wrong with one of the user's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// Where in the config: `keys.zoom`, or `keys.zoom[1]` for the second of its keys.
    pub path: String,
    /// The fault.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Keys in force.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    bound: HashMap<Chord, Vec<(Context, Action)>>,
    labels: BTreeMap<Action, Vec<String>>,
}

/// Names of keys that are no character, first the one that is shown.
const NAMES: [(&str, KeyCode); 23] = [
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pageup", KeyCode::PageUp),
    ("pgup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("insert", KeyCode::Insert),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("backspace", KeyCode::Backspace),
    ("plus", KeyCode::Char('+')),
    ("minus", KeyCode::Char('-')),
    ("backtab", KeyCode::BackTab),
];

impl Chord {
    /// The chord of an event; `None` for a key let go.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Option<Chord> {
        (event.kind != KeyEventKind::Release).then(|| Chord::new(event.code, event.modifiers))
    }

    /// Brings what terminals send to one spelling: a shifted letter is the capital, ctrl with `h`, `i`, `m` and `[` are
    /// the keys that share their byte.
    fn new(code: KeyCode, modifiers: KeyModifiers) -> Chord {
        let mut modifiers = modifiers & (KeyModifiers::SHIFT | KeyModifiers::CONTROL | KeyModifiers::ALT);
        let ctrl = modifiers.contains(KeyModifiers::CONTROL);
        let code = match code {
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            KeyCode::Null => {
                modifiers |= KeyModifiers::CONTROL;
                KeyCode::Char(' ')
            }
            KeyCode::Char(c) => {
                let shifted = modifiers.contains(KeyModifiers::SHIFT);
                modifiers.remove(KeyModifiers::SHIFT);
                let shared = match c.to_ascii_lowercase() {
                    'h' => Some(KeyCode::Backspace),
                    'i' => Some(KeyCode::Tab),
                    'm' => Some(KeyCode::Enter),
                    '[' => Some(KeyCode::Esc),
                    _ => None,
                };
                match shared {
                    Some(code) if ctrl => {
                        modifiers.remove(KeyModifiers::CONTROL);
                        code
                    }
                    _ if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
                    _ if shifted => KeyCode::Char(c.to_uppercase().next().unwrap_or(c)),
                    _ => KeyCode::Char(c),
                }
            }
            other => other,
        };
        Chord { code, modifiers }
    }

    /// Reads `q`, `?`, `ctrl-c`, `F9`, `space`, `shift-tab`, `alt-x`.
    ///
    /// # Errors
    /// The fault, and a hint where one is known.
    pub fn parse(name: &str) -> Result<Chord, (String, Option<String>)> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = name;
        while let Some((head, tail)) = rest.split_once('-').filter(|(h, t)| !h.is_empty() && !t.is_empty()) {
            modifiers |= match head.to_ascii_lowercase().as_str() {
                "ctrl" | "control" | "c" => KeyModifiers::CONTROL,
                "alt" | "meta" | "a" => KeyModifiers::ALT,
                "shift" | "s" => KeyModifiers::SHIFT,
                _ => {
                    let hint = did_you_mean(head, ["ctrl", "alt", "shift"]);
                    let hint = hint.map_or("write ctrl-, alt- or shift-".to_owned(), |near| {
                        format!("did you mean `{near}-{tail}`?")
                    });
                    return Err((format!("`{name}` is not a key: unknown modifier `{head}`"), Some(hint)));
                }
            };
            rest = tail;
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (None, _) => {
                return Err(("a key must not be empty".to_owned(), Some("to remove all keys: []".to_owned())));
            }
            (Some(c), None) => KeyCode::Char(c),
            _ => named(rest).ok_or_else(|| {
                let names = NAMES.iter().map(|(n, _)| *n);
                let hint = match did_you_mean(&rest.to_ascii_lowercase(), names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write a character, F1 to F12, or a name such as enter, esc, space, pageup".to_owned(),
                };
                (format!("`{name}` is not a key"), Some(hint))
            })?,
        };
        Ok(Chord::new(code, modifiers))
    }

    /// As footer and help show it.
    fn label(self, ascii: bool) -> String {
        let mut out = String::new();
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")]
        {
            if self.modifiers.contains(modifier) {
                out.push_str(name);
            }
        }
        let sign = match self.code {
            KeyCode::Enter => "↵",
            KeyCode::Up => "↑",
            KeyCode::Down => "↓",
            KeyCode::Left => "←",
            KeyCode::Right => "→",
            _ => "",
        };
        match self.code {
            KeyCode::F(n) => out.push_str(&format!("F{n}")),
            _ if !sign.is_empty() && !ascii => out.push_str(sign),
            KeyCode::Char(c) if c != ' ' => out.push(c),
            code => out.push_str(NAMES.iter().find(|(_, c)| *c == code).map_or("?", |(name, _)| name)),
        }
        out
    }
}

fn named(name: &str) -> Option<KeyCode> {
    let lower = name.to_ascii_lowercase();
    if let Some(number) = lower.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
        return (1..=24).contains(&number).then_some(KeyCode::F(number));
    }
    NAMES.iter().find(|(n, _)| *n == lower).map(|(_, code)| *code)
}

impl Context {
    /// The contexts that are active together with this one, nearest first.
    fn chain(self) -> &'static [Context] {
        match self {
            Context::Anywhere => &[Context::Anywhere],
            Context::List => &[Context::Matches, Context::List, Context::Anywhere],
            Context::Matches => &[Context::Matches, Context::List, Context::Anywhere],
            Context::Tables => &[Context::Tables, Context::Matches, Context::List, Context::Anywhere],
            Context::Processes => {
                &[Context::Processes, Context::Tables, Context::Matches, Context::List, Context::Anywhere]
            }
            Context::Objects => {
                &[Context::Objects, Context::Tables, Context::Matches, Context::List, Context::Anywhere]
            }
            Context::Logs => &[Context::Logs, Context::Matches, Context::List, Context::Anywhere],
            Context::Alerts => &[Context::Alerts, Context::Matches, Context::List, Context::Anywhere],
            // Nothing is searched there: `n` is another key.
            Context::Benchmarks => &[Context::Benchmarks, Context::List, Context::Anywhere],
        }
    }

    /// True when one key could trigger two actions.
    fn meets(self, other: Context) -> bool {
        self.chain().contains(&other) || other.chain().contains(&self)
    }
}

impl Keymap {
    /// The built-in keys with the user's in place of them; `read_only` takes what changes the machine out.
    ///
    /// # Errors
    /// Every unknown action, unreadable key and conflict.
    pub fn new(own: &BTreeMap<String, Vec<String>>, read_only: bool, ascii: bool) -> Result<Keymap, Vec<KeyFault>> {
        let mut faults: Vec<KeyFault> = own.keys().filter_map(|name| unknown_action(name)).collect();
        let mut map = Keymap::default();
        let mut takers: HashMap<Chord, Vec<(&ActionDef, bool)>> = HashMap::new();
        for def in ACTIONS {
            let mine = own.get(def.name);
            let chords = match mine {
                Some(keys) => {
                    keys.iter().enumerate().filter_map(|(i, key)| own_key(def, i, key, &mut faults)).collect()
                }
                None => def.keys.iter().filter_map(|key| Chord::parse(key).ok()).collect::<Vec<_>>(),
            };
            if def.action == Action::Quit && chords.is_empty() {
                let hint = Some("the built-in keys are q, ctrl-c and F10".to_owned());
                faults.push(KeyFault { path: "keys.quit".to_owned(), what: "`quit` needs a key".to_owned(), hint });
            }
            for chord in chords {
                for (other, others_own) in takers.get(&chord).into_iter().flatten() {
                    if other.context.meets(def.context) {
                        faults.push(conflict(chord, (other, *others_own), (def, mine.is_some())));
                    }
                }
                takers.entry(chord).or_default().push((def, mine.is_some()));
                if !(read_only && def.changes) {
                    map.bound.entry(chord).or_default().push((def.context, def.action));
                    map.labels.entry(def.action).or_default().push(chord.label(ascii));
                }
            }
        }
        if faults.is_empty() { Ok(map) } else { Err(faults) }
    }

    /// What a key means here; `None`: nothing, or the key was let go.
    #[must_use]
    pub fn action(&self, event: &KeyEvent, context: Context) -> Option<Action> {
        let bound = self.bound.get(&Chord::of(event)?)?;
        let here = |wanted: &Context| bound.iter().find(|(c, _)| c == wanted).map(|(_, action)| *action);
        context.chain().iter().find_map(here)
    }

    /// The keys of an action as footer and help show them, the first one first.
    #[must_use]
    pub fn keys_of(&self, action: Action) -> &[String] {
        self.labels.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The first key of an action; `None` when it has none or is not allowed.
    #[must_use]
    pub fn key_of(&self, action: Action) -> Option<&str> {
        self.keys_of(action).first().map(String::as_str)
    }
}

fn unknown_action(name: &str) -> Option<KeyFault> {
    if ACTIONS.iter().any(|d| d.name == name) {
        return None;
    }
    let hint = match did_you_mean(name, ACTIONS.iter().map(|d| d.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("actions: {}", ACTIONS.iter().map(|d| d.name).collect::<Vec<_>>().join(", ")),
    };
    Some(KeyFault { path: format!("keys.{name}"), what: format!("unknown action `{name}`"), hint: Some(hint) })
}

fn own_key(def: &ActionDef, index: usize, key: &str, faults: &mut Vec<KeyFault>) -> Option<Chord> {
    Chord::parse(key)
        .map_err(|(what, hint)| faults.push(KeyFault { path: format!("keys.{}[{index}]", def.name), what, hint }))
        .ok()
}

/// Names both actions at the place of one that the user wrote.
fn conflict(chord: Chord, first: (&ActionDef, bool), second: (&ActionDef, bool)) -> KeyFault {
    let (mine, other) = if second.1 || !first.1 { (second.0, first) } else { (first.0, second) };
    let key = chord.label(true);
    let name = other.0.name;
    if mine.name == name {
        let what = format!("key `{key}` is given twice to `{name}`");
        return KeyFault { path: format!("keys.{name}"), what, hint: Some("keep one of the two".to_owned()) };
    }
    let hint = if other.1 {
        "keep it at one of the two".to_owned()
    } else {
        format!("`{key}` is built in for `{name}`: give that action other keys, or none: {name} = []")
    };
    KeyFault {
        path: format!("keys.{}", mine.name),
        what: format!("key `{key}` is bound to both `{name}` and `{}`", mine.name),
        hint: Some(hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        pairs.iter().map(|(n, keys)| ((*n).to_owned(), keys.iter().map(|k| (*k).to_owned()).collect())).collect()
    }

    fn press(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn the_built_in_keys_have_no_conflict_and_all_can_be_read() {
        for def in ACTIONS {
            for key in def.keys {
                assert!(Chord::parse(key).is_ok(), "{}: {key}", def.name);
            }
        }
        Keymap::new(&BTreeMap::new(), false, false).unwrap();
    }

    #[test]
    fn keys_mean_the_same_on_every_terminal() {
        let map = Keymap::new(&BTreeMap::new(), false, false).unwrap();
        let (none, shift, ctrl) = (KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL);
        for (event, expected) in [
            (press(KeyCode::Char('G'), none), Some(Action::Bottom)),
            (press(KeyCode::Char('G'), shift), Some(Action::Bottom)),
            (press(KeyCode::Char('g'), shift), Some(Action::Bottom)),
            (press(KeyCode::Char('?'), shift), Some(Action::Help)),
            (press(KeyCode::BackTab, none), Some(Action::FocusPrevious)),
            (press(KeyCode::BackTab, shift), Some(Action::FocusPrevious)),
            (press(KeyCode::Tab, shift), Some(Action::FocusPrevious)),
            (press(KeyCode::Char('C'), ctrl), Some(Action::Quit)),
            (press(KeyCode::Char('m'), ctrl), Some(Action::Open)),
            (press(KeyCode::Char('h'), ctrl), None),
            (KeyEvent::new_with_kind(KeyCode::Char('q'), none, KeyEventKind::Release), None),
            (KeyEvent::new_with_kind(KeyCode::Down, none, KeyEventKind::Repeat), Some(Action::Down)),
        ] {
            assert_eq!(map.action(&event, Context::Processes), expected, "{event:?}");
        }
    }

    #[test]
    fn a_key_means_something_only_where_its_context_holds() {
        let map = Keymap::new(&BTreeMap::new(), false, false).unwrap();
        let x = press(KeyCode::Char('x'), KeyModifiers::NONE);
        assert_eq!(map.action(&x, Context::Processes), Some(Action::Signal));
        assert_eq!(map.action(&x, Context::List), None);
        assert_eq!(map.action(&x, Context::Anywhere), None);
    }

    #[test]
    fn own_keys_replace_built_in_ones_and_an_empty_list_unbinds() {
        let map = Keymap::new(&own(&[("zoom", &["alt-Z", "F11"]), ("signal", &[])]), false, false).unwrap();
        assert_eq!(map.keys_of(Action::Zoom), ["alt-Z", "F11"]);
        assert_eq!(map.key_of(Action::Signal), None);
        assert_eq!(map.action(&press(KeyCode::Char('z'), KeyModifiers::NONE), Context::List), None);
        assert_eq!(
            map.action(&press(KeyCode::Char('z'), KeyModifiers::ALT | KeyModifiers::SHIFT), Context::List),
            Some(Action::Zoom)
        );
    }

    #[test]
    fn read_only_takes_what_changes_the_machine_out_of_the_map() {
        let map = Keymap::new(&BTreeMap::new(), true, false).unwrap();
        for def in ACTIONS {
            assert_eq!(map.keys_of(def.action).is_empty(), def.changes, "{}", def.name);
        }
    }

    #[test]
    fn faults_name_the_key_the_actions_and_the_cure() {
        let fault = |pairs: &[(&str, &[&str])]| {
            let faults = Keymap::new(&own(pairs), false, false).unwrap_err();
            assert_eq!(faults.len(), 1, "{faults:?}");
            let f = &faults[0];
            format!("{}: {} | {}", f.path, f.what, f.hint.as_deref().unwrap_or_default())
        };
        assert_eq!(
            fault(&[("zoom", &["F"])]),
            "keys.zoom: key `F` is bound to both `follow` and `zoom` | `F` is built in for `follow`: give that action other keys, or none: follow = []"
        );
        assert_eq!(
            fault(&[("zoom", &["Q"]), ("pause", &["Q"])]),
            "keys.pause: key `Q` is bound to both `zoom` and `pause` | keep it at one of the two"
        );
        assert_eq!(
            fault(&[("zoom", &["Q", "shift-q"])]),
            "keys.zoom: key `Q` is given twice to `zoom` | keep one of the two"
        );
        assert_eq!(fault(&[("zom", &["Q"])]), "keys.zom: unknown action `zom` | did you mean `zoom`?");
        assert_eq!(fault(&[("zoom", &["Q", "spcae"])]), "keys.zoom[1]: `spcae` is not a key | did you mean `space`?");
        assert_eq!(
            fault(&[("zoom", &["crtl-w"])]),
            "keys.zoom[0]: `crtl-w` is not a key: unknown modifier `crtl` | did you mean `ctrl-w`?"
        );
        assert_eq!(fault(&[("zoom", &["F99"])]).split(" | ").next(), Some("keys.zoom[0]: `F99` is not a key"));
        assert_eq!(fault(&[("quit", &[])]).split(" | ").next(), Some("keys.quit: `quit` needs a key"));
    }

    #[test]
    fn plus_and_minus_are_keys_also_with_a_modifier() {
        assert_eq!(Chord::parse("+").unwrap(), Chord::new(KeyCode::Char('+'), KeyModifiers::NONE));
        assert_eq!(Chord::parse("-").unwrap(), Chord::new(KeyCode::Char('-'), KeyModifiers::NONE));
        assert_eq!(Chord::parse("ctrl--").unwrap(), Chord::new(KeyCode::Char('-'), KeyModifiers::CONTROL));
        assert_eq!(Chord::parse("minus").unwrap().label(true), "-");
    }
    #[test]
    fn an_empty_key_is_refused_with_a_way_to_unbind() {
        let (fault, hint) = Chord::parse("").unwrap_err();
        assert_eq!((fault.as_str(), hint.as_deref()), ("a key must not be empty", Some("to remove all keys: []")));
        assert!(Chord::parse("-").is_ok() && Chord::parse("ctrl--").is_ok());
    }
}
