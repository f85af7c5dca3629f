//! Model servers as lines, then their loaded models.

use crate::{
    model::{
        join,
        model_server::{ModelRow, ServerRow},
    },
    state::State,
    units,
};

/// One line a server, and one for each of its models in memory, each with what it is about.
pub(super) fn lines(state: &State) -> Vec<(&'static str, String)> {
    let of = |server: &ServerRow| {
        let models = server.loaded().map(|model| ("model", model_words(model)));
        std::iter::once(("models", server_words(state, server))).chain(models).collect::<Vec<_>>()
    };
    state.host.model_servers.rows.iter().flat_map(of).collect()
}

fn server_words(state: &State, server: &ServerRow) -> String {
    let raw = &server.raw;
    let mut words = vec![raw.name.clone(), raw.kind.title().to_owned()];
    words.push(
        raw.state.why().map_or_else(|| raw.state.word().to_owned(), |why| format!("{}: {why}", raw.state.word())),
    );
    if server.is_up() {
        words.push(format!("{} of {} models loaded", server.loaded().count(), server.models.len()));
        words.extend(server.running().map(|running| format!("{running:.0} running")));
        words.extend(server.waiting().map(|waiting| format!("{waiting:.0} waiting")));
        words.extend(server.tokens().map(|tokens| format!("{} tok/s", units::count_short(tokens))));
        words.extend(raw.reading.missing.clone());
    }
    words.extend(server.slow(&join::around_model_server(&state.host, server), state.host.now).map(|slow| slow.words()));
    words.join(" · ")
}

fn model_words(model: &ModelRow) -> String {
    let (raw, figures) = (&model.raw, &model.flow.figures);
    let mut words = vec![raw.name.clone()];
    words.extend(raw.quantisation.clone());
    words.extend(raw.memory.map(|bytes| units::bytes_long(bytes as f64)));
    words.extend(raw.card_share().map(|share| format!("{} on cards", units::percent(share))));
    words.extend(raw.context.map(|tokens| format!("context {tokens}")));
    words.extend(raw.work.kv_used.map(|used| format!("KV cache {}", units::percent(used))));
    words.extend(figures.first_token.map(|spread| format!("first token {}", units::latency(spread.p50))));
    words.extend(figures.seconds_a_token().map(|seconds| format!("{} a token", units::latency_fine(seconds))));
    words.join(" · ")
}
