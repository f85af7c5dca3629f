//! TABLE METRICS: the rows of all domains, in one order.

use super::{
    bench, container, cpu, def::MetricDef, device, gpu, memory, model_server, notify, own, pool, process, service,
};

const DOMAINS: &[&[MetricDef]] = &[
    cpu::ROWS,
    memory::ROWS,
    device::ROWS,
    gpu::ROWS,
    pool::ROWS,
    container::ROWS,
    service::ROWS,
    model_server::ROWS,
    process::ROWS,
    bench::ROWS,
    notify::ROWS,
    own::ROWS,
];

const COUNT: usize = {
    let (mut count, mut domain) = (0, 0);
    while domain < DOMAINS.len() {
        count += DOMAINS[domain].len();
        domain += 1;
    }
    count
};

/// At compile time, so that an id can be looked up at compile time ([`super::id`]).
static ROWS: [MetricDef; COUNT] = {
    let mut rows = [DOMAINS[0][0]; COUNT];
    let (mut at, mut domain) = (0, 0);
    while domain < DOMAINS.len() {
        let mut row = 0;
        while row < DOMAINS[domain].len() {
            rows[at] = DOMAINS[domain][row];
            (at, row) = (at + 1, row + 1);
        }
        domain += 1;
    }
    rows
};

/// TABLE METRICS.
pub static METRICS: &[MetricDef] = &ROWS;
