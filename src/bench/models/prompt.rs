//! The prompts, always the same, each behind a prefix that no cache knows: figures of different prompts are not compared.

use std::time::{SystemTime, UNIX_EPOCH};

/// Changes when a prompt or a length does.
pub const METHOD: &str = "prompt set 1, 64 tokens";
/// Tokens of an answer.
pub const ANSWER: u32 = 64;

/// Short, middling and long: a question, a task with data, a text to work on.
pub const SET: [&str; 3] = [
    "Explain in plain words why a computer needs both memory and a disk, and what happens when memory runs out.",
    "A small server has eight drive bays. Two hold a mirror of solid state drives for the system and for containers, four \
     hold hard disks with films, photographs and backups, two are empty. The owner wants to store about four terabytes \
     more each year, keep every file on at least two disks, and be able to replace a failed disk without switching the \
     server off. List the ways to use the two empty bays, with what each costs, what each protects against, and what it \
     does not protect against. End with a recommendation and the reason for it.",
    "Read the following report and answer the question at its end. The service answers requests of about three hundred \
     users. Until the second week of the month its response time was near ninety milliseconds during the day and near \
     sixty at night. On the ninth the database was moved to another dataset, which has a record size of one megabyte \
     where the old one had sixteen kilobytes. On the eleventh the number of workers was raised from four to eight, because \
     requests had begun to wait. On the twelfth an update of the operating system brought a new kernel, and the machine \
     was restarted at three in the morning. Since then the response time during the day is near two hundred and forty \
     milliseconds, and near sixty at night as before. The processors are in use for a third of the time, the memory for \
     two thirds; the disks are in use for nine tenths of the time during the day, though the users have not changed what \
     they do, and the number of requests is the same. The log of the database shows that writing a transaction takes \
     thirty milliseconds where it took four. The network shows no errors. A test with the old number of workers, made on \
     the fourteenth, gave a response time of two hundred and sixty milliseconds. Nobody has tried the old kernel, or a \
     dataset with a small record size. Question: which of the three changes is the most likely cause, which figures speak \
     for it and which against the others, and in which order should the owner try to undo them?",
];

/// So many words that no prompt before had: a cache knows prompts by their beginning.
#[must_use]
pub fn unique(text: &str, number: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("Note {now:x}-{number:x}, which has no meaning. {text}")
}
