//! Every detail and overlay over the invented server of the README's pictures, at a large and at the smallest usual size.

use std::sync::LazyLock;

use benchtop::state::State;
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};

use crate::{accept_frame, drawn, press, server_of_pictures::lived, truecolor};

static SERVER: LazyLock<State> = LazyLock::new(|| lived(600));

/// Name; keys that lead there from the overview at 160x45, and at 80x24, where the filesystems are a pane of their own.
const VIEWS: [(&str, &str, &str); 22] = [
    ("gpu-detail", "3\n", "3\n"),
    ("network-detail", "5/enp5s0\n\n", "4/enp5s0\n\n"),
    ("pool-detail", "4\n", "5\n"),
    ("container-detail", "6jjj\n", "7jjj\n"),
    ("container-failed-detail", "6j\n", "7j\n"),
    ("container-log", "6jjjl", "7jjjl"),
    ("container-acts", "6jjjx", "7jjjx"),
    ("service-slow-detail", "7\n", "8\n"),
    ("service-detail", "7j\n", "8j\n"),
    ("model-server-detail", "8\n", "9\n"),
    ("model-server-idle-detail", "8j\n", "9j\n"),
    ("process-detail", "\n", "\n"),
    ("signal", "x", "x"),
    ("help", "?", "?"),
    ("alerts-of-all-kinds", "a", "a"),
    ("sockets-waiting", "S", "S"),
    ("stores-waiting", "i", "i"),
    ("offers", "v", "v"),
    ("themes", "C", "C"),
    ("sort", "s", "s"),
    ("columns", "c", "c"),
    ("filter", "fcpu>50", "fcpu>50"),
];

#[test]
fn views_look_as_accepted() {
    for (name, wide, narrow) in VIEWS {
        for (size, keys) in [((160, 45), wide), ((80, 24), narrow)] {
            let mut ui = truecolor();
            drawn(&mut ui, &SERVER, size);
            for key in keys.chars() {
                press(&mut ui, &SERVER, &key.to_string());
                drawn(&mut ui, &SERVER, size);
            }
            accept_frame(name, &drawn(&mut ui, &SERVER, size));
        }
    }
}

/// Each says what it will do before it does it.
#[test]
fn questions_look_as_accepted() {
    // The menu of a container's operations, down to its stop.
    for (size, keys) in [((160, 45), "6jjjx"), ((80, 24), "7jjjx")] {
        let mut ui = truecolor();
        drawn(&mut ui, &SERVER, size);
        press(&mut ui, &SERVER, keys);
        drawn(&mut ui, &SERVER, size);
        ui.input(&Input::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), &SERVER);
        accept_frame("question", &drawn(&mut ui, &SERVER, size));
    }
}
