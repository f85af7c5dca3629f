//! Shapes that panes and overlays share. Each clips to the buffer: no size of screen can make one panic.

pub mod ascii;
pub mod console;
pub mod frame;
pub mod gauge;
pub mod graph;
pub mod line;
mod measured;
pub mod normal;
pub mod notice;
pub mod page;
pub mod past;
pub mod sheet;
pub mod spark;
mod steps;
pub mod text;
