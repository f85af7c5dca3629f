//! A terminal of our own for the program to live in: what it draws is kept as a screen, and nothing waits for luck.

use std::{
    io::{Read, Write},
    num::NonZero,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::{
    process::{Pid, Signal, kill_process},
    termios::LocalModes,
};

/// Generous: a loaded machine is slow, and a right answer ends the wait.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The program at work in a terminal.
pub struct Terminal {
    screen: Arc<Mutex<vt100::Parser>>,
    reads: Arc<AtomicBool>,
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    _home: tempfile::TempDir,
}

/// How a terminal is set up.
pub struct Setup<'a> {
    pub columns: u16,
    pub rows: u16,
    pub program: &'a str,
    pub arguments: &'a [&'a str],
    pub environment: &'a [(&'a str, &'a str)],
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Setup { columns: 120, rows: 40, program: env!("CARGO_BIN_EXE_benchtop"), arguments: &[], environment: &[] }
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

impl Terminal {
    /// benchtop in a terminal of 120 columns and 40 rows.
    pub fn start(arguments: &[&str]) -> Self {
        Self::with(&Setup { arguments, ..Setup::default() })
    }

    pub fn with(setup: &Setup<'_>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(size(setup.columns, setup.rows)).unwrap();
        let mut command = CommandBuilder::new(setup.program);
        command.args(setup.arguments);
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        command.env("HOME", home.path());
        command.env("XDG_CONFIG_HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        for (name, value) in setup.environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(setup.rows), cells(setup.columns), 0)));
        let reads = Arc::new(AtomicBool::new(true));
        let (to, on) = (screen.clone(), reads.clone());
        let mut reader = pair.master.try_clone_reader().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while on.load(Ordering::Relaxed) {
                match reader.read(&mut bytes) {
                    Ok(n) if n > 0 && on.load(Ordering::Relaxed) => to.lock().unwrap().process(&bytes[..n]),
                    _ => break,
                }
            }
        });
        let keyboard = Some(pair.master.take_writer().unwrap());
        Terminal { screen, reads, master: Some(pair.master), keyboard, child, _home: home }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// What is on the screen, row by row.
    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Asks the screen itself.
    pub fn screen<T>(&self, ask: impl FnOnce(&vt100::Screen) -> T) -> T {
        ask(self.screen.lock().unwrap().screen())
    }

    /// Waits until the screen shows what is wanted.
    pub fn until(&self, what: &str, fits: impl Fn(&str) -> bool) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            if fits(&self.text()) {
                return;
            }
            sleep(Duration::from_millis(5));
        }
        panic!("never on the screen: {what}\n{}", self.text());
    }

    pub fn until_shows(&self, words: &str) {
        self.until(words, |screen| screen.contains(words));
    }

    pub fn send(&mut self, keys: &[u8]) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(keys).unwrap();
        keyboard.flush().unwrap();
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(cells(rows), cells(columns));
        self.tell_size(columns, rows);
    }

    /// Another size, sent to the program alone.
    pub fn tell_size(&self, columns: u16, rows: u16) {
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid().cast_signed()).unwrap(), signal).unwrap();
    }

    /// Nobody reads any more what the program writes: its terminal fills up.
    pub fn stop_reading(&self) {
        self.reads.store(false, Ordering::Relaxed);
    }

    /// The terminal goes away, as when a connection is cut.
    pub fn vanish(&mut self) {
        self.stop_reading();
        self.keyboard = None;
        self.master = None;
    }

    /// Waits for the program's end; how it ended, and how long that took.
    pub fn end(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, began.elapsed());
            }
            sleep(Duration::from_millis(2));
        }
        panic!("it did not end\n{}", self.text());
    }

    /// What the terminal's driver does with a typed line: nothing while a program has it raw.
    pub fn line_modes(&self) -> Vec<&'static str> {
        let modes = self.master.as_ref().unwrap().get_termios().unwrap().local_flags.bits();
        let known = [("icanon", LocalModes::ICANON), ("isig", LocalModes::ISIG), ("echo", LocalModes::ECHO)];
        known.into_iter().filter(|(_, mode)| modes & mode.bits() != 0).map(|(name, _)| name).collect()
    }

    /// True when the terminal is as it was before: its own screen, a cursor, no mouse.
    pub fn is_restored(&self) -> bool {
        self.screen(|s| {
            !s.alternate_screen()
                && !s.hide_cursor()
                && !s.bracketed_paste()
                && s.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        })
    }

    /// Waits until it is so: what was written last may still be on its way to us.
    pub fn until_restored(&self) {
        let end = Instant::now() + PATIENCE;
        while !self.is_restored() {
            assert!(Instant::now() < end, "the terminal was not given back");
            sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.stop_reading();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
