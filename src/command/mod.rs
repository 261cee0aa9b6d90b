//! One declaration per command. From it come the parser and its errors, the typed fields that the command reads, the
//! arity, COMMAND DOCS, the key spec and the page in docs/reference/commands.
//!
//! The arguments of a command are a struct made by [`arguments!`]: each field has a name, a type and an [`Arg`] of that
//! type. [`run`] is the trait that a command implements. It is not re-exported here: it imports the transaction, whose
//! modules import arguments, and that would be a circle.

mod arg;
mod arguments;
mod fields;
mod parse;
mod repeated;
pub(crate) mod run;
mod spec;
mod syntax;
mod typed;

pub(crate) use arg::{Arg, Kind};
pub(crate) use arguments::arguments;
pub(crate) use fields::{Actor, Arguments, Choice, Field, IntOr, Key, Value, required_choice, take_choice};
pub(crate) use parse::{Input, MAX_COUNT, ensure_few, int, word};
pub(crate) use repeated::Repeated;
pub(crate) use spec::{Access, Keys, SINCE, Spec};
pub(crate) use typed::{Typed, typed};

arguments! {
    /// The arguments of a command that takes none.
    pub(crate) struct NoArgs {}
}

arguments! {
    /// The arguments of a command that takes only its queue.
    pub(crate) struct QueueArgs<'a> {
        queue: Key<'a> = Arg::QUEUE,
    }
}

#[cfg(test)]
mod tests;
