//! Tables: a filter read and asked about 10,000 rows, and columns placed.

use benchtop::{
    model::{event::Sample, source::SourceId},
    state::State,
    ui::{
        processes::columns::{Processes, Row, RowCx},
        table::{
            column::Columns,
            filter::{Cells, Filter},
            place::{Need, place},
        },
    },
};
use common::crowd::{crowd, reading};
use criterion::{BenchmarkId, Criterion};

mod common {
    pub mod crowd;
    pub mod timing;
}

const ROWS: u32 = 10_000;
const FILTERS: [(&str, &str); 4] = [
    ("word", "worker-17"),
    ("figure", "mem>64M"),
    ("pattern", "command~^worker-(1|2)[0-9]+"),
    ("all", "mem>1M (user=root or user=1000) not worker-5 command~config"),
];

fn main() {
    let mut criterion = common::timing::criterion();
    filters(&mut criterion);
    columns(&mut criterion);
    criterion.final_summary();
}

fn filters(criterion: &mut Criterion) {
    let mut state = State::default();
    state.apply(reading(SourceId::Processes, 1, Sample::Processes(crowd(ROWS))));
    let cx = RowCx::new(&state.host, false, false);
    let columns = Processes::defs();
    let mut group = criterion.benchmark_group("filter");
    for (name, text) in FILTERS {
        group.bench_function(BenchmarkId::new("parse", name), |b| b.iter(|| Filter::new(text, &columns)));
        let filter = Filter::new(text, &columns).expect("the filter is whole").expect("it is not empty");
        group.bench_function(BenchmarkId::new(name, ROWS), |b| {
            b.iter(|| {
                state
                    .host
                    .processes
                    .rows
                    .iter()
                    .filter(|process| filter.keeps(&Cells::<Processes>(&Row { process, cx })))
                    .count()
            });
        });
    }
}

fn columns(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("columns");
    let columns = Processes::defs();
    let all: Vec<usize> = (0..columns.len()).collect();
    for width in [80, 160, 300] {
        group
            .bench_function(BenchmarkId::new("place", width), |b| b.iter(|| place(&columns, &all, width, &Need::NONE)));
    }
}
