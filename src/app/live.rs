//! The one loop: facts in, folded; keys in, answered at once; at most one frame a refresh beside those that keys ask for.
//!
//! Nothing here waits for a source or for the terminal. A frame for new figures is drawn when the round of processes
//! has come, which is last, or `GRACE` after the tick when it has not.

use std::{
    process::{ExitCode, ExitStatus},
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

use ratatui::{buffer::Buffer, layout::Rect};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
    time::{Instant as Alarm, sleep_until},
};

use super::{
    encode::{Encoder, erases_in_colour},
    errands::{Errands, Report, no_thread},
    job_control,
    keyboard::{self, Hands, Typed},
    shell::Guest,
    terminal::{Sent, Terminal},
};
use crate::{
    act,
    alert::Level,
    clock::{Clock, Stamp},
    collect::{
        OpenCx, SOURCES, SourceDef, SourceSettings,
        lane::{Lanes, Outbox},
    },
    config::Settings,
    interest::{Interest, InterestCell},
    model::{
        engine_address::EngineAddress,
        event::{Envelope, Event},
        fault::{Fault, OFF},
        source::SourceId,
    },
    request::{Command, Job},
    state::State,
    ui::{Ui, theme::ThemeSet},
};

/// A frame waits this long after the tick for the round of processes.
const GRACE: Duration = Duration::from_millis(120);
/// At the start, what comes first is gathered for this long before it is drawn.
const GATHER: Duration = Duration::from_millis(12);
/// How long the first figures wait for the first round of processes.
const FIRST_GATHER: Duration = Duration::from_millis(40);
/// A terminal that takes nothing is tried again after this.
const RETRY: Duration = Duration::from_millis(20);
/// A loop that comes so much too late was stopped, with the whole program.
const STOPPED: Duration = Duration::from_secs(1);
/// While nothing is to move, nothing needs a look before something happens.
const NEVER: Duration = Duration::from_secs(3600);
/// The largest window that is drawn: larger ones are mistakes, and would take any amount of memory.
const MOST_COLUMNS: u16 = 1000;
const MOST_ROWS: u16 = 500;
/// Memory that must be there before the terminal is taken: for want of it later the program could not give it back.
const NEEDED: usize = 24 << 20;

/// The sources that `settings` leave on.
pub(super) fn sources(settings: &Settings) -> Vec<&'static SourceDef> {
    SOURCES.iter().filter(|s| !settings.is_off(s.id.name())).collect()
}

/// What the fold is told of the sources that `settings` switch off: nobody waits for them.
pub(super) fn switched_off(settings: &Settings, at: Stamp) -> impl Iterator<Item = Event> {
    SourceId::ALL.into_iter().filter(|id| settings.is_off(id.name())).map(move |source| {
        let outcome = Err(Fault::Absent(OFF.to_owned()));
        Event::Reading(Envelope { source, at, took: Duration::ZERO, every: Duration::ZERO, outcome })
    })
}

/// Everything of a running screen.
struct Live {
    clock: Clock,
    settings: Settings,
    state: State,
    ui: Ui,
    terminal: Terminal,
    encoder: Encoder,
    /// What the terminal shows, and the frame in the making; they change places.
    shown: Buffer,
    next: Buffer,
    /// The terminal's screen is not what `shown` says.
    spoiled: bool,
    bytes: Vec<u8>,
    lanes: Lanes,
    events: Receiver<Envelope>,
    /// Facts came that no frame shows yet.
    news: bool,
    /// They should be drawn at this moment of the run's clock.
    draw_at: Option<Instant>,
    errands: Errands,
    /// How many operations were reported.
    acts_done: u64,
    /// A program that has the terminal now: nothing is drawn, and keys are its own.
    guest: Option<Guest>,
    hands: Hands,
}

/// Why the loop ended.
enum End {
    Quit,
    /// The terminal is gone: nothing is written to it any more.
    Gone,
}

/// Runs the live screen until the user leaves. The caller has checked that there is a terminal.
#[must_use]
pub fn run(settings: Settings, themes: ThemeSet, said: Option<String>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return super::fail(&format!("no event loop could be started: {error}")),
    };
    let outcome = runtime.block_on(live(settings, themes, said));
    // Nothing that still runs is waited for.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => super::fail(&why),
    }
}

async fn live(settings: Settings, themes: ThemeSet, said: Option<String>) -> Result<(), String> {
    super::terminal::install_panic_hook();
    // What may be refused comes before the terminal is taken; and from here on no signal may end us with it taken.
    let mut signals = Signals::new().map_err(|error| format!("no signals could be received: {error}"))?;
    Vec::<u8>::new().try_reserve_exact(NEEDED).map_err(|_| "there is too little memory for a screen (`ulimit -v`?)")?;
    let clock = Clock::start();
    let wake = Arc::new(Notify::new());
    let mut state = State::new(settings.rules.clone().into());
    switched_off(&settings, clock.now()).for_each(|event| state.apply(event));
    let mut ui = Ui::new(settings.clone(), themes);
    if let Some(said) = said {
        ui.say(Level::Warn, said);
    }
    let hands = Hands::default();
    hands.lend();
    let typed = keyboard::start(wake.clone(), hands.clone()).map_err(|error| no_thread("the keyboard", &error))?;
    let taken = Terminal::enter(settings.mouse);
    let mut terminal = taken.map_err(|error| format!("the terminal could not be taken: {error}"))?;
    hands.take_back();
    // The first frame, before the first look at the machine.
    let mut first = Buffer::default();
    let term = std::env::var("TERM").unwrap_or_default();
    let in_colour = erases_in_colour(&term, std::env::var_os("TMUX").is_some());
    let (mut encoder, mut bytes) = (Encoder::erasing_in_colour(in_colour), Vec::with_capacity(32 << 10));
    ui.refresh(&state);
    paint(&mut ui, &state, &mut first);
    encoder.encode(None, &first, &mut bytes);
    terminal.send(&bytes);
    terminal.insure();

    let bell = wake.clone();
    let (outbox, events) = Outbox::new(move || bell.notify_one());
    let of_sources = SourceSettings { read_all: settings.processes.read_all, engines: settings.engines.clone() };
    let open = OpenCx { root: settings.root.clone(), clock, settings: of_sources };
    let wants = InterestCell::default();
    wants.set(ui.want(&state));
    let lanes = Lanes::start(&sources(&settings), &open, wants, settings.refresh, &outbox);
    drop(outbox);
    let mut live = Live {
        clock,
        settings,
        state,
        ui,
        terminal,
        encoder,
        next: Buffer::empty(first.area),
        shown: first,
        spoiled: false,
        bytes,
        lanes,
        events,
        news: false,
        draw_at: None,
        errands: Errands::new(wake.clone()),
        acts_done: 0,
        guest: None,
        hands,
    };
    let end = live.run(&wake, &typed, &mut signals).await;
    if let Some(guest) = &live.guest {
        guest.end();
    }
    match end {
        End::Quit => live.terminal.release(),
        End::Gone => live.terminal.forget(),
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
    async fn run(&mut self, wake: &Notify, typed: &Receiver<Typed>, signals: &mut Signals) -> End {
        loop {
            let [term, int, quit, hup] = &mut signals.ended;
            let alarm = self.alarm();
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
                () = sleep_until(alarm) => {}
            }
            if !self.is_still() && alarm.elapsed() > STOPPED {
                self.resumed();
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
            if self.draw_at.is_some_and(|at| at <= Instant::now()) && self.draw_figures() == Sent::Gone {
                return End::Gone;
            }
            if self.spoiled && self.frame() == Sent::Gone {
                return End::Gone;
            }
        }
    }

    /// When the loop looks even if nobody calls: the awaited frame, a terminal that was full, a source that is late.
    fn alarm(&self) -> Alarm {
        let now = self.clock.now();
        let mut at = Instant::now() + NEVER;
        if !self.is_still() {
            at = self.clock.instant(self.lanes.next_tick(now)) + GRACE;
            if let Some(draw) = self.draw_at {
                at = at.min(draw);
            }
            if let Some(deadline) = self.lanes.next_deadline() {
                at = at.min(self.clock.instant(deadline));
            }
        }
        if self.guest.is_none() && (self.terminal.is_behind() || self.spoiled) {
            at = at.min(Instant::now() + RETRY);
        }
        at.into()
    }

    /// True while the figures stand still. The lanes pause too: what they were reading when it began waits in the
    /// queue, at most one reading a source, and is folded afterwards. Nothing may be thrown away, for a round of
    /// processes tells only what changed since the one before.
    fn is_still(&self) -> bool {
        self.ui.paused() || self.guest.is_some()
    }

    /// Figures move again.
    fn resumed(&mut self) {
        let now = self.clock.now();
        self.state.apply(Event::Resumed(now));
        self.lanes.resumed(now);
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
                // What was typed behind the wish for a shell was not typed for us.
                if self.guest.is_some() {
                    break;
                }
                for command in self.ui.input(input, &self.state) {
                    if let Some(end) = self.carry_out(command) {
                        return Some(end);
                    }
                }
            }
            if paused && !self.ui.paused() {
                self.resumed();
            }
            if paused != self.ui.paused() {
                self.want();
            }
        }
        if any && self.frame() == Sent::Gone {
            return Some(End::Gone);
        }
        None
    }

    fn carry_out(&mut self, command: Command) -> Option<End> {
        match command {
            Command::Quit => return Some(End::Quit),
            Command::Suspend => self.suspend(),
            Command::Redraw => self.spoiled = true,
            Command::Refresh(every) => {
                self.settings.refresh = every;
                self.lanes.refresh(every, self.clock.now());
            }
            Command::Job(job) => self.begin(job),
            Command::Acknowledge(alert) => self.state.apply(Event::Alert(self.state.answer(alert))),
            Command::Shell { engine, id } => self.shell(&engine, &id),
            Command::Save { name, text } => {
                self.errands.begin(move || Report::Said(act::apart::save_text(name, text)));
            }
        }
        None
    }

    fn begin(&self, job: Job) {
        let root = self.settings.root.clone();
        self.errands.begin(move || Report::Act(act::job::run(&job, &root)));
    }

    /// Takes in how errands went that were begun earlier.
    fn reports(&mut self) -> Sent {
        let mut any = false;
        while let Some(report) = self.errands.next() {
            any = true;
            match report {
                Report::Said(outcome) => self.ui.say(outcome.level, outcome.text),
                Report::Act(done) => {
                    self.ui.report(done);
                    self.acts_done += 1;
                }
                Report::Shell(ended) => self.shell_ended(ended),
            }
        }
        if any { self.frame() } else { Sent::Whole }
    }

    /// Steps aside for a shell in a container until it ends.
    fn shell(&mut self, engine: &EngineAddress, id: &str) {
        let engines = &self.state.host.containers.engines;
        let kind = engines.iter().find(|e| e.address == *engine).map_or("docker", |e| e.kind.as_str());
        self.hands.lend();
        self.terminal.release();
        self.guest = Guest::start(&self.errands, kind, engine, id);
        if self.guest.is_some() {
            self.want();
        } else {
            self.hands.take_back();
            self.come_back();
        }
    }

    fn shell_ended(&mut self, ended: Result<ExitStatus, String>) {
        self.guest = None;
        self.hands.take_back();
        self.come_back();
        match ended {
            // 130: its last command was interrupted.
            Ok(status) if matches!(status.code(), Some(0 | 130)) => {}
            Ok(status) => self.ui.say(Level::Advice, format!("the shell ended: {status}")),
            Err(why) => self.ui.say(Level::Warn, why),
        }
    }

    /// Folds what the lanes brought, and decides when it is drawn.
    fn take_in(&mut self) {
        if self.is_still() {
            return;
        }
        let (mut first, mut complete) = (false, false);
        let late = self.lanes.overdue(self.clock.now());
        let brought = std::iter::from_fn(|| self.events.try_recv().ok());
        for envelope in brought.chain(late) {
            first |= self.state.host.health.get(envelope.source).is_none() || envelope.outcome.is_err();
            let first_facts =
                envelope.source == SourceId::Facts && self.state.host.health.get(SourceId::Facts).is_none();
            complete |= matches!(envelope.source, SourceId::Processes)
                || (first_facts && self.state.host.health.get(SourceId::Processes).is_some())
                || (envelope.source.is_on_demand() && envelope.outcome.is_ok());
            self.state.apply(Event::Reading(envelope));
            self.news = true;
        }
        let now = Instant::now();
        let wait = match (complete, first) {
            // Processes whose users have no names yet wait for these, as long as others would be gathered.
            (true, _) if self.state.host.health.get(SourceId::Facts).is_none() => GATHER,
            (true, _) => Duration::ZERO,
            // The very first figures wait for the first round of processes, which is under way: one frame, not two.
            (_, true) if self.state.host.health.get(SourceId::Processes).is_none() => FIRST_GATHER,
            (_, true) => GATHER,
            // What trickles in between rounds is shown with the next one; the tick's grace covers a round that is late.
            _ => {
                let moment = self.clock.now();
                let tick = self.clock.instant(self.lanes.next_tick(moment)).checked_sub(self.settings.refresh);
                tick.map_or(GRACE, |tick| (tick + GRACE).saturating_duration_since(now))
            }
        };
        if self.news {
            let at = now + wait;
            self.draw_at = Some(self.draw_at.map_or(at, |before| before.min(at)));
        } else if self.draw_at.is_none() && self.stalled() {
            // Nothing came at all for a while: ages must still grow on the screen.
            self.draw_at = Some(now);
        }
    }

    /// True when no frame was made for one and a half refreshes.
    fn stalled(&self) -> bool {
        self.clock.now().since(self.state.host.now) > self.settings.refresh * 3 / 2
    }

    /// A frame for new figures.
    fn draw_figures(&mut self) -> Sent {
        if !self.terminal.is_ready() {
            self.draw_at = Some(Instant::now() + RETRY);
            return Sent::Waiting;
        }
        self.draw_at = None;
        self.news = false;
        self.state.apply(Event::Tick(self.clock.now()));
        self.frame()
    }

    /// Draws what is, and sends what changed.
    fn frame(&mut self) -> Sent {
        if self.guest.is_some() {
            self.spoiled = true;
            return Sent::Waiting;
        }
        if !self.terminal.is_ready() {
            self.spoiled = true;
            // The cells that the terminal has are still known: only a new frame is owed.
            return Sent::Waiting;
        }
        self.ui.refresh(&self.state);
        paint(&mut self.ui, &self.state, &mut self.next);
        let shown = (!self.spoiled).then_some(&self.shown);
        self.encoder.encode(shown, &self.next, &mut self.bytes);
        self.spoiled = false;
        std::mem::swap(&mut self.shown, &mut self.next);
        self.want();
        if self.bytes.is_empty() { Sent::Whole } else { self.terminal.send(&self.bytes) }
    }

    /// Tells the lanes what is needed now.
    fn want(&self) {
        let want = self.ui.want(&self.state);
        self.lanes.want(Interest {
            acts_done: self.acts_done,
            keyframes: self.state.host.processes.keyframes_wanted,
            paused: self.is_still(),
            ..want
        });
    }

    fn resize(&mut self) {
        self.spoiled = true;
    }

    /// Gives the terminal back and stops, as every program does on Ctrl-Z; goes on when it is continued.
    fn suspend(&mut self) {
        if self.guest.is_some() {
            // The terminal is not ours now; who has it was stopped too.
            job_control::stop();
            return;
        }
        if !job_control::can_stop() {
            self.ui.say(Level::Advice, "nothing here could continue a stopped program: Ctrl-Z does nothing");
            return;
        }
        self.terminal.release();
        job_control::stop();
        self.come_back();
    }

    fn come_back(&mut self) {
        if self.guest.is_some() {
            return;
        }
        // An error here means that the terminal is gone, and then the keyboard says so.
        let _ = self.terminal.resume();
        let _ = self.terminal.flush();
        self.terminal.insure();
        if !self.is_still() {
            self.resumed();
            self.lanes.refresh(self.settings.refresh, self.clock.now());
        }
        self.spoiled = true;
    }
}
