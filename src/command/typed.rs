//! The arguments that a command may declare, each with the type of its value.

use std::marker::PhantomData;

use super::arg::{Arg, Kind};
use super::fields::{Actor, Arguments, Choice, IntOr, Key};
use super::parse::MAX_COUNT;
use super::repeated::Repeated;
use crate::names::MAX_TOKEN;
use crate::time::{MAX_BLOCK, Ms};

/// An argument whose value is a `T`. Declaring a field of another type with it does not compile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typed<T> {
    /// The argument.
    arg: Arg,
    of: PhantomData<T>,
}

impl Arg {
    /// The queue of a command.
    pub(crate) const QUEUE: Typed<Key<'static>> = Arg::value("queue", Kind::Name).means("the queue");
    /// One of several queues of a command.
    pub(crate) const QUEUE_NAME: Typed<&[u8]> = Arg::value("queue", Kind::Name).means("a queue");
    /// The service of a command.
    pub(crate) const SERVICE: Typed<Key<'static>> = Arg::value("service", Kind::Name).means("the service");
    /// A member of a service.
    pub(crate) const MEMBER: Typed<Actor<'static>> = Arg::value("member", Kind::Text).means("the name of the member");
    /// The id of a task.
    pub(crate) const ID: Typed<&str> = Arg::text("id").means("the id of the task");
    /// The worker that claims.
    pub(crate) const WORKER: Typed<Actor<'static>> =
        Arg::value("worker", Kind::Text).means("the name of the worker: one that no other process has");
    /// The fencing token of a claim.
    pub(crate) const TOKEN: Typed<u64> =
        Arg::int("token", 0, MAX_TOKEN, "").means("the token of the claim, as CLAIM replied it");
    /// How many, at most.
    pub(crate) const COUNT: Typed<Option<usize>> = Arg::option("COUNT", Arg::int("n", 1, MAX_COUNT as i64, ""));
    /// How long to wait; 0 means for ever. `Timeout::asked` reads it.
    pub(crate) const BLOCK: Typed<Option<Ms>> =
        Arg::duration("BLOCK", 0, MAX_BLOCK).means("how long to wait; 0: for ever");

    const fn value<T>(name: &'static str, kind: Kind) -> Typed<T> {
        let (word, meaning) = (None, "");
        let arg = Arg {
            name,
            word,
            kind,
            meaning,
        };
        Typed { arg, of: PhantomData }
    }

    const fn keyed<T>(word: &'static str, name: &'static str, kind: Kind) -> Typed<T> {
        let Typed { arg, .. } = Arg::value::<T>(name, kind);
        let arg = Arg {
            word: Some(word),
            ..arg
        };
        Typed { arg, of: PhantomData }
    }

    /// Text with the limits of an id.
    pub(crate) const fn text(name: &'static str) -> Typed<&'static str> {
        Arg::value(name, Kind::Text)
    }

    /// Any bytes.
    pub(crate) const fn bytes(name: &'static str) -> Typed<&'static [u8]> {
        Arg::value(name, Kind::Bytes)
    }

    /// An integer of this range in this unit.
    pub(crate) const fn int<T: TryFrom<i64>>(name: &'static str, min: i64, max: i64, unit: &'static str) -> Typed<T> {
        Arg::value(name, Kind::Int(min, max, unit))
    }

    /// The same, or this word.
    pub(crate) const fn ms_or(name: &'static str, max: Ms, word: &'static str) -> Typed<IntOr> {
        Arg::value(name, Kind::IntOr(1, max, "ms", word))
    }

    /// One of these words, in the spelling given here.
    pub(crate) const fn words(name: &'static str, words: &'static [&'static str]) -> Typed<&'static str> {
        Arg::value(name, Kind::Words(words))
    }

    /// An option: a keyword and its value.
    pub(crate) const fn option<T>(word: &'static str, value: Typed<T>) -> Typed<Option<T>> {
        let word = Some(word);
        let arg = Arg { word, ..value.arg };
        Typed { arg, of: PhantomData }
    }

    /// A duration in milliseconds after a keyword.
    pub(crate) const fn duration(word: &'static str, min: Ms, max: Ms) -> Typed<Option<Ms>> {
        Arg::option(word, Arg::int("ms", min, max, "ms"))
    }

    /// An option without a value.
    pub(crate) const fn flag(word: &'static str) -> Typed<bool> {
        Arg::keyed(word, word, Kind::Flag)
    }

    /// Arguments that belong together, after a keyword.
    pub(crate) const fn group<T: Arguments<'static>>(word: &'static str, name: &'static str) -> Typed<Option<T>> {
        Arg::keyed(word, name, Kind::Group(T::ARGS))
    }

    /// Arguments that belong together, after a keyword that may be given again for more of them.
    pub(crate) const fn repeated<T: Arguments<'static>>(word: &'static str, name: &'static str) -> Typed<Repeated<T>> {
        Arg::keyed(word, name, Kind::Repeated(T::ARGS))
    }

    /// Arguments that several commands have.
    pub(crate) const fn shared<T: Arguments<'static>>() -> Typed<T> {
        let arg = T::ALL;
        Typed { arg, of: PhantomData }
    }

    /// At most one of the options that `T` has.
    pub(crate) const fn one_of<T: Choice<'static>>(name: &'static str) -> Typed<Option<T>> {
        Arg::value(name, Kind::OneOf(T::OPTIONS))
    }

    /// Exactly one of the options that `T` has.
    pub(crate) const fn either<T: Choice<'static>>(name: &'static str) -> Typed<T> {
        Arg::value(name, Kind::Either(T::OPTIONS))
    }

    /// One or more of this.
    pub(crate) const fn many<T>(name: &'static str, item: &'static Typed<T>) -> Typed<Vec<T>> {
        Arg::value(name, Kind::Many(item.items()))
    }

    /// One or more of this, before the last option of the call. The first of them may be spelled like that option.
    pub(crate) const fn many_before<T>(
        name: &'static str,
        item: &'static Typed<T>,
        option: &'static str,
    ) -> Typed<Vec<T>> {
        Arg::value(name, Kind::ManyBefore(item.items(), option))
    }

    /// Zero or more of this.
    pub(crate) const fn any<T>(name: &'static str, item: &'static Typed<T>) -> Typed<Vec<T>> {
        Arg::value(name, Kind::Any(item.items()))
    }

    /// A count up to `most`, followed by that many of this.
    pub(crate) const fn counted<T>(name: &'static str, most: usize, item: &'static Typed<T>) -> Typed<Vec<T>> {
        Arg::value(name, Kind::Counted(1, most as i64, item.items()))
    }

    /// The same, or 0 and none of this.
    pub(crate) const fn counted_or_none<T>(name: &'static str, most: usize, item: &'static Typed<T>) -> Typed<Vec<T>> {
        Arg::value(name, Kind::Counted(0, most as i64, item.items()))
    }

    /// An option: as many of this as the call has counted before.
    pub(crate) const fn as_many<T>(
        word: &'static str,
        name: &'static str,
        item: &'static Typed<T>,
    ) -> Typed<Option<Vec<T>>> {
        Arg::option(word, Arg::value(name, Kind::AsMany(item.items())))
    }
}

/// The argument for a field of this type.
pub(crate) const fn typed<T>(typed: Typed<T>) -> Arg {
    typed.arg
}

impl<T> Typed<T> {
    /// The same argument, and what it is for.
    pub(crate) const fn means(self, meaning: &'static str) -> Typed<T> {
        let arg = Arg { meaning, ..self.arg };
        Typed { arg, of: PhantomData }
    }

    /// The repeated element of a list: shared arguments in sequence, otherwise this alone.
    const fn items(&'static self) -> &'static [Arg] {
        match &self.arg.kind {
            Kind::Shared(args) => args,
            _ => std::slice::from_ref(&self.arg),
        }
    }
}
