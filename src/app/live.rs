//! The one loop: facts in, folded; keys in, answered at once; at most one frame a refresh beside those that keys ask for.
//!
//! Nothing here waits for a source, for a file or for the terminal.

use std::{
    process::ExitCode,
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use ratatui::{buffer::Buffer, layout::Rect};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use super::{
    background::{Background, no_thread},
    benches::Benches,
    encode::{Encoder, Shown, erases_in_colour},
    frame::{self, Brought, Frames, Moment, RETRY},
    history::Keeps,
    job_control,
    keyboard::{self, KeyboardGate, Typed},
    output::{fail, say},
    session::{Session, Start},
    shell::Guest,
    terminal::{Sent, Terminal},
    timer::Timer,
};
use crate::{
    alert::Level,
    bench::{BENCHES, auto_undo::AutoUndo},
    config::Settings,
    interest::Interest,
    model::{event::Event, run::RunEvent, service::target::ServiceTarget, source::SourceId},
    state::State,
    sys::root::Root,
    ui::{Ui, theme::ThemeSet},
};

/// A loop that comes so much too late was stopped, with the whole program.
const STOPPED: Duration = Duration::from_secs(1);
/// While nothing moves, the loop sleeps until something happens.
const NEVER: Duration = Duration::from_secs(3600);
/// The largest window that is drawn: larger ones are mistakes, and would take any amount of memory.
const MOST_COLUMNS: u16 = 1000;
const MOST_ROWS: u16 = 500;
/// Memory that must be there before the terminal is taken: without it the program could not restore the terminal later. More
/// than 32 MiB: giving back a smaller piece would have glibc keep free memory of twice its size from then on ("mallopt(3)",
/// M_MMAP_THRESHOLD).
const NEEDED: usize = 33 << 20;

/// Before a stop the alerts are given up within this time, or another program takes them over only once this one goes on.
const HANDED_OVER: Duration = Duration::from_millis(200);

/// A benchmark that is stopped at the end has so long to remove what it made.
const CLEANING: Duration = Duration::from_secs(2);

/// Everything of a running screen.
pub(super) struct Live {
    pub(super) session: Session,
    pub(super) root: Root,
    pub(super) ui: Ui,
    pub(super) terminal: Terminal,
    encoder: Encoder,
    /// What the terminal shows, and the frame in the making.
    shown: Shown,
    next: Buffer,
    /// The terminal's screen is not what `shown` says.
    pub(super) spoiled: bool,
    bytes: Vec<u8>,
    frames: Frames,
    pub(super) background: Background,
    /// Services that were added since the start.
    pub(super) added: Vec<ServiceTarget>,
    pub(super) benches: Benches,
    pub(super) undoing: AutoUndo,
    /// A program that has the terminal now: nothing is drawn, and keys are its own.
    pub(super) guest: Option<Guest>,
    pub(super) gate: KeyboardGate,
}

/// Why the loop ended.
pub(super) enum End {
    Quit,
    /// The terminal is gone: nothing is written to it any more.
    Gone,
}

/// Runs the live screen until the user leaves. The caller has checked that there is a terminal.
#[must_use]
pub fn run(settings: Settings, themes: ThemeSet, said: Option<String>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("could not start the event loop: {error}")),
    };
    let outcome = runtime.block_on(live(settings, themes, said));
    // Nothing that still runs is waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(&why),
    }
}

async fn live(settings: Settings, themes: ThemeSet, said: Option<String>) -> Result<(), String> {
    super::terminal::install_panic_hook();
    // What may be refused comes before the terminal is taken; and from here on no signal may end us with it taken.
    let mut signals = Signals::new().map_err(|error| format!("could not receive signals: {error}"))?;
    let mut alarm = Timer::new().map_err(|error| format!("could not set up a timer: {error}"))?;
    Vec::<u8>::new().try_reserve_exact(NEEDED).map_err(|_| "not enough memory for the screen (`ulimit -v`?)")?;
    let mut session = Session::on(&settings, Vec::new());
    let wake = Arc::new(Notify::new());
    let mut ui = Ui::new(settings.clone(), themes);
    if let Some(said) = said {
        ui.say(Level::Warn, said);
    }
    let gate = KeyboardGate::default();
    gate.lend();
    let typed = keyboard::start(wake.clone(), gate.clone()).map_err(|error| no_thread("the keyboard", &error))?;
    let taken = Terminal::enter(settings.mouse);
    let mut terminal = taken.map_err(|error| format!("could not set up the terminal: {error}"))?;
    gate.take_back();
    // The first frame, before the first reading.
    let (mut shown, mut next) = (Shown::default(), Buffer::default());
    let term = std::env::var("TERM").unwrap_or_default();
    let in_colour = erases_in_colour(&term, std::env::var_os("TMUX").is_some());
    let (mut encoder, mut bytes) = (Encoder::erasing_in_colour(in_colour), Vec::with_capacity(32 << 10));
    ui.refresh(session.state());
    paint(&mut ui, session.state(), &mut next);
    encoder.encode(false, &mut shown, &next, &mut bytes);
    terminal.send(&bytes);
    terminal.insure();

    let (bell, want) = (wake.clone(), ui.want(session.state()));
    session.start(&settings, Start { want, every: settings.refresh, once: false }, move || bell.notify_one());
    let bell = wake.clone();
    session.remember(&settings, Keeps::Alerts, move || bell.notify_one());
    let bell = wake.clone();
    session.notify(&settings, move || bell.notify_one());
    let benches = Benches::new(session.clock(), &settings.root, wake.clone());
    let undoing = AutoUndo::new(BENCHES, if settings.read_only { &[] } else { &settings.bench.undo });
    let mut live = Live {
        session,
        root: settings.root,
        ui,
        terminal,
        encoder,
        shown,
        next,
        spoiled: false,
        bytes,
        frames: Frames::default(),
        background: Background::new(wake.clone()),
        added: Vec::new(),
        benches,
        undoing,
        guest: None,
        gate,
    };
    let end = live.run(&wake, &typed, &mut signals, &mut alarm).await;
    if let Some(guest) = &live.guest {
        guest.end();
    }
    match end {
        End::Quit => live.terminal.release(),
        End::Gone => live.terminal.forget(),
    }
    if !live.benches.finish(CLEANING) {
        say("a benchmark did not end in time: the next start removes what it made");
    }
    // What it brought in its last moment is kept too.
    while let Some(event) = live.benches.next() {
        live.session.fold(Event::Run(event));
    }
    let step = live.undoing.ended(live.session.clock().now().unix_ms);
    for note in step.notes {
        let at = live.session.clock().now();
        live.session.fold(Event::Run(RunEvent::Undo { at, note }));
    }
    if let Err(error) = live.session.finish() {
        say(&error.to_string());
    }
    Ok(())
}

/// Draws what is into `buf`, which takes the terminal's size.
fn paint(ui: &mut Ui, state: &State, buf: &mut Buffer) {
    let (width, height) = Terminal::size();
    let fits = width <= MOST_COLUMNS && height <= MOST_ROWS;
    let area = Rect::new(0, 0, width.min(MOST_COLUMNS), if fits { height } else { 1 });
    if buf.area != area {
        *buf = Buffer::empty(area);
    }
    if fits {
        ui.draw(state, buf);
    } else {
        let words = format!("a window of {width}x{height} is too large: at most {MOST_COLUMNS}x{MOST_ROWS} is drawn");
        buf.set_string(0, 0, words, ratatui::style::Style::new());
    }
}

/// The signals that the loop answers.
struct Signals {
    resize: Signal,
    ended: [Signal; 4],
    stop: Signal,
    go_on: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Signals {
            resize: signal(SignalKind::window_change())?,
            ended: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
                signal(SignalKind::quit())?,
                signal(SignalKind::hangup())?,
            ],
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            go_on: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }
}

impl Live {
    async fn run(&mut self, wake: &Notify, typed: &Receiver<Typed>, signals: &mut Signals, alarm: &mut Timer) -> End {
        loop {
            let [term, int, quit, hup] = &mut signals.ended;
            let look_at = self.look_at();
            tokio::select! {
                biased;
                _ = term.recv() => return End::Quit,
                _ = int.recv() => if self.interrupted() { return End::Quit },
                _ = quit.recv() => if self.interrupted() { return End::Quit },
                // The terminal may still be there (a plain kill -HUP): giving it back to one that is gone does no harm.
                _ = hup.recv() => return End::Quit,
                _ = signals.resize.recv() => self.resize(),
                _ = signals.stop.recv() => self.suspend(),
                _ = signals.go_on.recv() => self.come_back(),
                () = wake.notified() => {}
                () = alarm.wait(look_at) => {}
            }
            if !self.is_still() && look_at.elapsed() > STOPPED {
                self.session.resumed();
            }
            if self.terminal.is_behind() && self.terminal.flush() == Sent::Gone {
                return End::Gone;
            }
            if let Some(end) = self.answer(typed) {
                return end;
            }
            self.take_in();
            if self.reports() == Sent::Gone {
                return End::Gone;
            }
            if self.frames.is_due(self.session.clock().now().mono_us) && self.draw_figures() == Sent::Gone {
                return End::Gone;
            }
            if self.spoiled && self.frame() == Sent::Gone {
                return End::Gone;
            }
        }
    }

    /// When the loop looks even if nobody calls: the awaited frame, a terminal that was full, a source that is late.
    fn look_at(&self) -> Instant {
        let mut at = Instant::now() + NEVER;
        if !self.is_still() {
            let tick = self.session.next_tick().map(frame::look_us);
            let due = [tick, self.frames.due_us(), self.session.next_deadline()].into_iter().flatten().min();
            at = due.map_or(at, |due| self.session.clock().instant(due));
        }
        if self.guest.is_none() && (self.terminal.is_behind() || self.spoiled) {
            at = at.min(Instant::now() + RETRY);
        }
        at
    }

    /// True while paused. The lanes pause too: what they were reading when it began waits in the
    /// queue, at most one reading a source, and is folded afterwards. Nothing may be thrown away, for a round of
    /// processes has only what changed since the one before.
    fn is_still(&self) -> bool {
        self.ui.paused() || self.guest.is_some()
    }

    /// An interrupt from the terminal, or from elsewhere; true when it is meant for us.
    fn interrupted(&mut self) -> bool {
        let Some(guest) = &mut self.guest else { return true };
        guest.interrupted();
        false
    }

    /// Answers all keys that wait, then draws once.
    fn answer(&mut self, typed: &Receiver<Typed>) -> Option<End> {
        let mut any = false;
        while let Ok(typed) = typed.try_recv() {
            let Typed::Input(burst) = typed else { return Some(End::Gone) };
            any = true;
            let paused = self.ui.paused();
            for input in &burst {
                // Keys typed after the request for a shell are not ours.
                if self.guest.is_some() {
                    break;
                }
                for command in self.ui.input(input, self.session.state()) {
                    if let Some(end) = self.execute(command) {
                        return Some(end);
                    }
                }
            }
            if paused && !self.ui.paused() {
                self.session.resumed();
            }
            if paused != self.ui.paused() {
                self.want();
            }
        }
        if any {
            // The screen's settings say how often is read; keys change them.
            self.session.pace(self.ui.settings().refresh);
            if self.frame() == Sent::Gone {
                return Some(End::Gone);
            }
        }
        None
    }

    /// Folds what the sources brought, and settles when it is drawn.
    fn take_in(&mut self) {
        if self.is_still() {
            return;
        }
        let mut brought = Brought::default();
        self.session.take(|envelope, state| brought.note(envelope, &state.host.health));
        let (now_us, host) = (self.session.clock().now().mono_us, &self.session.state().host);
        let was_read = |source| host.health.get(source).is_some();
        self.frames.brought(
            brought,
            Moment {
                now_us,
                next_tick_us: self.session.next_tick().unwrap_or(now_us),
                every: self.session.every(),
                known_us: host.now.mono_us,
                facts: was_read(SourceId::Facts),
                processes: was_read(SourceId::Processes),
            },
        );
    }

    /// A frame for new figures.
    fn draw_figures(&mut self) -> Sent {
        let sent = if self.terminal.is_ready() {
            self.frames.drawn();
            self.session.tick();
            self.frame()
        } else {
            self.frames.postpone(self.session.clock().now().mono_us);
            Sent::Waiting
        };
        self.session.start_rest();
        sent
    }

    /// Draws what is, and sends what changed.
    pub(super) fn frame(&mut self) -> Sent {
        if self.guest.is_some() {
            self.spoiled = true;
            return Sent::Waiting;
        }
        if !self.terminal.is_ready() {
            self.spoiled = true;
            // The cells that the terminal has are still known: only a new frame is pending.
            return Sent::Waiting;
        }
        self.ui.refresh(self.session.state());
        paint(&mut self.ui, self.session.state(), &mut self.next);
        self.encoder.encode(!self.spoiled, &mut self.shown, &self.next, &mut self.bytes);
        self.spoiled = false;
        self.want();
        self.bytes.extend_from_slice(self.session.take_rings().as_bytes());
        if self.bytes.is_empty() { Sent::Whole } else { self.terminal.send(&self.bytes) }
    }

    /// Passes the current interest to the lanes.
    pub(super) fn want(&mut self) {
        let want = self.ui.want(self.session.state());
        if want.runs {
            self.benches.look_again(self.session.state(), self.ui.settings());
        }
        self.session.want(Interest { paused: self.is_still(), services: self.added.as_slice().into(), ..want });
    }

    fn resize(&mut self) {
        self.spoiled = true;
    }

    /// Gives the terminal back and stops, as every program does on Ctrl-Z; goes on when it is continued.
    pub(super) fn suspend(&mut self) {
        if self.guest.is_some() {
            // The terminal is not ours now; who has it was stopped too.
            self.session.rest(true, HANDED_OVER);
            job_control::stop();
            return;
        }
        if !job_control::can_stop() {
            self.ui.say(Level::Advice, "Ctrl-Z is off: there is no shell to resume from");
            return;
        }
        self.terminal.release();
        self.session.rest(true, HANDED_OVER);
        job_control::stop();
        self.come_back();
    }

    pub(super) fn come_back(&mut self) {
        if self.guest.is_some() {
            return;
        }
        // An error here means that the terminal is gone, and then the keyboard says so.
        let _ = self.terminal.resume();
        let _ = self.terminal.flush();
        self.terminal.insure();
        if !self.is_still() {
            self.session.rest(false, Duration::ZERO);
            self.session.resumed();
            self.session.realign();
        }
        self.spoiled = true;
    }
}
