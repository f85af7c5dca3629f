//! Readers of the state that are no screen: a page of text, JSON, the doctor. Each writes to what it is given; a closed
//! pipe is the caller's to swallow.

pub mod doctor;
mod escaping;
pub mod json;
pub mod report;
pub mod text;
