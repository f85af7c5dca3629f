//! What models and the cards that they run on do: a first context, loading, answering, changing the model, many sessions
//! at once. All over the API that clients use; what a server cannot be asked for is said in one line.

mod card;
mod inference;
mod init;
mod load;
mod place;
mod prompt;
mod response;
mod sessions;
mod switch;

pub use self::{
    inference::INFERENCE, init::INITIALIZATION, load::LOAD, response::RESPONSE, sessions::SESSIONS, switch::SWITCH,
};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
