//! What the manual, the examples and the demo show, done.

mod demo;
mod example;
mod operating;
mod readme;
mod recipes;
