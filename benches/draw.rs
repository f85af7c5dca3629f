//! A frame: lists computed, cells drawn, and the bytes that bring a terminal from the frame before to this one.

use std::time::{Duration, Instant};

use benchtop::{
    alert,
    app::encode::{Encoder, Shown},
    config::{Settings, settings::Colors},
    model::{event::Sample, process::ProcessSample, source::SourceId},
    state::State,
    ui::{Ui, theme::ThemeSet},
};
use common::{
    crowd::{crowd, reading},
    server::{containers, pools},
};
use criterion::{BatchSize, BenchmarkId, Criterion};
use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect};

mod common {
    pub mod crowd;
    pub mod server;
    pub mod timing;
}
#[path = "../tests/homelab/mod.rs"]
mod homelab;

const PROCESSES: u32 = 2_000;
const CONTAINERS: usize = 50;
const POOLS: usize = 12;
const SIZES: [(u16, u16); 2] = [(160, 45), (200, 50)];

fn main() {
    let mut criterion = common::timing::criterion();
    frames(&mut criterion);
    server(&mut criterion);
    criterion.final_summary();
}

/// The recorded host with a crowd of processes, second after second.
struct Machine {
    state: State,
    others: Vec<(SourceId, Sample)>,
    round: ProcessSample,
    second: u64,
    /// With containers and pools.
    server: bool,
}

impl Machine {
    fn new(server: bool) -> Self {
        let read = homelab::read().into_iter().filter(|(source, _)| source.id != SourceId::Processes);
        let others = read.filter_map(|(source, outcome)| Some((source.id, outcome.ok()?))).collect();
        let mut machine =
            Machine { state: State::new(alert::shipped().into()), others, round: crowd(PROCESSES), second: 0, server };
        machine.tick();
        machine.round.fresh = false;
        machine.round.infos.clear();
        for row in &mut machine.round.rows {
            (row.over_us, row.name, row.uid) = (1_000_000, None, None);
        }
        (0..60).for_each(|_| machine.tick());
        machine
    }

    /// One refresh; every process does a little, another amount each time.
    fn tick(&mut self) {
        self.second += 1;
        for row in &mut self.round.rows {
            row.user_ticks += (u64::from(row.key.pid) * 31 + self.second * 7) % 97 / 32;
        }
        for (source, sample) in &self.others {
            self.state.apply(reading(*source, self.second, sample.clone()));
        }
        if self.server {
            let containers = Sample::Containers(containers(CONTAINERS, self.second));
            self.state.apply(reading(SourceId::Containers, self.second, containers));
            let pools = Sample::Pools(Box::new(pools(POOLS, self.second)));
            self.state.apply(reading(SourceId::Pools, self.second, pools));
        }
        let round = Sample::Processes(self.round.clone());
        self.state.apply(reading(SourceId::Processes, self.second, round));
        self.state.judge();
    }
}

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("frame");
    for (width, height) in SIZES {
        let mut machine = Machine::new(false);
        let mut ui = Ui::new(Settings::default(), ThemeSet::new(None, Colors::True, false));
        let size = format!("{width}x{height}");
        let mut frames = [Buffer::empty(Rect::new(0, 0, width, height)), Buffer::empty(Rect::new(0, 0, width, height))];
        group.bench_function(BenchmarkId::new("draw", &size), |b| {
            b.iter_custom(|rounds| {
                let mut took = Duration::ZERO;
                for _ in 0..rounds {
                    machine.tick();
                    let began = Instant::now();
                    ui.refresh(&machine.state);
                    ui.draw(&machine.state, &mut frames[0]);
                    took += began.elapsed();
                }
                took
            });
        });
        machine.tick();
        ui.refresh(&machine.state);
        ui.draw(&machine.state, &mut frames[1]);
        let [shown, next] = &frames;
        assert_ne!(shown, next, "a second later the figures are others");
        let (mut encoder, mut bytes) = (Encoder::default(), Vec::new());
        for (name, known, before) in
            [("encode_all", false, next), ("encode_same", true, next), ("encode_next", true, shown)]
        {
            group.bench_function(BenchmarkId::new(name, &size), |b| {
                let shown = || Shown::from(before);
                b.iter_batched_ref(
                    shown,
                    |shown| encoder.encode(known, shown, next, &mut bytes),
                    BatchSize::LargeInput,
                );
            });
        }
    }
}

/// A screen with many containers and pools: after a refresh, and after a key while no figure changed.
fn server(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("server");
    for (width, height) in SIZES {
        let mut machine = Machine::new(true);
        let mut ui = Ui::new(Settings::default(), ThemeSet::new(None, Colors::True, false));
        let mut frame = Buffer::empty(Rect::new(0, 0, width, height));
        let mut draw = |ui: &mut Ui, state: &State| {
            let began = Instant::now();
            ui.refresh(state);
            ui.draw(state, &mut frame);
            began.elapsed()
        };
        draw(&mut ui, &machine.state);
        let size = format!("{width}x{height}");
        group.bench_function(BenchmarkId::new("draw", &size), |b| {
            b.iter_custom(|rounds| {
                let mut round = || {
                    machine.tick();
                    draw(&mut ui, &machine.state)
                };
                (0..rounds).map(|_| round()).sum()
            });
        });
        let keys = [KeyCode::Down, KeyCode::Up].map(|code| Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        group.bench_function(BenchmarkId::new("key", &size), |b| {
            b.iter_custom(|rounds| {
                let mut press = |round: u64| {
                    let began = Instant::now();
                    ui.input(&keys[round as usize % 2], &machine.state);
                    began.elapsed() + draw(&mut ui, &machine.state)
                };
                (0..rounds).map(&mut press).sum()
            });
        });
    }
}
