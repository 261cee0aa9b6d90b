//! One declaration per command. From it come the parser and its errors, the typed fields that the command reads, the
//! arity, COMMAND DOCS, the key spec and the row in docs/commands.md.
//!
//! A command has its arguments in a struct made by [`arguments`]: each field has a type, a name and the [`Arg`] it is
//! given by, of the same type. [`run`] is what a command has to implement; it is not repeated here, as it knows the
//! transaction, and what is inside of that knows arguments.

mod arg;
mod arguments;
mod fields;
mod parse;
pub(crate) mod run;
mod spec;
mod syntax;
mod typed;

pub(crate) use arg::{Arg, Kind};
pub(crate) use arguments::arguments;
pub(crate) use fields::{Actor, Arguments, Choice, Field, IntOr, Key, Value, required_choice, take_choice};
pub(crate) use parse::{Input, int};
pub(crate) use spec::{Access, Keys, Spec};
pub(crate) use typed::{MAX_COUNT, Typed, typed};

arguments! {
    /// Of a command that takes none.
    pub(crate) struct NoArgs {}
}

arguments! {
    /// Of a command that only needs its queue.
    pub(crate) struct QueueArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
    }
}

#[cfg(test)]
mod tests;
