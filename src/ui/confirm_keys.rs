//! How a question is answered, the same for every question: a key pressed out of habit or typed for something else must
//! not change the machine.

use crossterm::event::{KeyCode, KeyModifiers};

use super::ids::Key;

/// Yes or no; `None` for a key that answers nothing. `y` alone is a yes, without a modifier.
#[must_use]
pub fn answer(key: Key) -> Option<bool> {
    match key.code {
        KeyCode::Char('y') if key.modifiers == KeyModifiers::NONE => Some(true),
        KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc | KeyCode::Enter => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y_alone_is_a_yes() {
        let of = |code, modifiers| answer(Key::new(code, modifiers));
        assert_eq!(of(KeyCode::Char('y'), KeyModifiers::NONE), Some(true));
        for code in [KeyCode::Enter, KeyCode::Esc, KeyCode::Char('n')] {
            assert_eq!(of(code, KeyModifiers::NONE), Some(false));
        }
        let rest = ('!'..='~').filter(|c| *c != 'y').map(KeyCode::Char).chain([KeyCode::Tab, KeyCode::F(10)]);
        assert!(rest.into_iter().all(|code| of(code, KeyModifiers::NONE) != Some(true)));
        for modifier in [KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SUPER, KeyModifiers::SHIFT] {
            assert_eq!(of(KeyCode::Char('y'), modifier), None, "{modifier:?}");
        }
    }
}
