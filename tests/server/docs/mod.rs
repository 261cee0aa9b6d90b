//! Runs what the manual, the examples and the demo show.

mod demo;
mod errors;
mod example;
mod operating;
mod readme;
mod recipes;
mod reference;
mod several_machines;
