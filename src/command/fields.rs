//! The types that an argument field may have, and how each is parsed.

use super::arg::{Arg, Kind};
use super::parse::{Input, ensure_first, int, none_given, range, word};
use crate::error::{Error, Result};
use crate::names::plain_text;

/// A field of arguments: a required value, an option, or arguments that are shared.
pub(crate) trait Field<'a>: Sized {
    /// Its state while the call is being parsed.
    type Slot;
    /// Reads a required value; an option is not given yet.
    fn start(arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<Self::Slot>;
    /// Reads the option if this is its keyword; whether it was.
    fn take(_: &mut Self::Slot, _: &'static Arg, _word: &[u8], _: &mut Input<'_, 'a>) -> Result<bool> {
        Ok(false)
    }
    /// Its value once all options are read.
    fn finish(slot: Self::Slot, arg: &'static Arg) -> Result<Self>;
    /// Appends the words that parse to this value.
    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()>;
    /// The worker or member that the caller claims to be.
    fn actor(&self) -> Option<&'a str> {
        None
    }
    /// The queue or service that the command works on.
    fn key(&self) -> Option<&'a [u8]> {
        None
    }
}

/// The value of an option or of a required argument.
pub(crate) trait Value<'a>: Sized {
    /// Reads it; errors call it `key`.
    fn read(key: &'static str, arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<Self>;
    /// Appends the words that parse to this value. `BADARG` for bytes that are not UTF-8, which cannot be kept as text.
    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()>;
}

/// A struct that is declared by `arguments!`.
pub(crate) trait Arguments<'a>: Field<'a> {
    /// The arguments in order.
    const ARGS: &'static [Arg];
    /// All of them as one argument.
    const ALL: Arg = Arg {
        name: "",
        word: None,
        kind: Kind::Shared(Self::ARGS),
        meaning: "",
    };

    /// Reads them from all the words of a call.
    fn parse(argv: &[&'a [u8]]) -> Result<Self> {
        let mut input = Input::new(argv);
        let args = Self::read_all(&mut input)?;
        input.end(argv, Self::ARGS)?;
        Ok(args)
    }

    /// Reads required values in order, then options in any order, up to the first word that is not an option.
    fn read_all(input: &mut Input<'_, 'a>) -> Result<Self> {
        let all = const { &Self::ALL };
        let mut slots = Self::start(all, input)?;
        while let Some(word) = input.peek() {
            if !Self::take(&mut slots, all, word, input)? {
                break;
            }
        }
        Self::finish(slots, all)
    }

    /// The given arguments as words, in declaration order; they parse to the same value.
    fn to_words(&self) -> Result<Vec<String>> {
        let mut words = Vec::new();
        self.words(const { &Self::ALL }, &mut words)?;
        Ok(words)
    }
}

/// An enum declared by `arguments!`: mutually exclusive options.
pub(crate) trait Choice<'a>: Sized {
    /// The options.
    const OPTIONS: &'static [Arg];
    /// The one that was given.
    fn option(&self) -> &'static Arg;
    /// Reads the value of the option with this keyword, which is one of these options.
    fn read(word: &[u8], input: &mut Input<'_, 'a>) -> Result<Self>;
    /// Appends the words that parse to this value.
    fn words(&self, words: &mut Vec<String>) -> Result<()>;
}

/// Reads the option if the keyword is one of the choice; whether it was.
pub(crate) fn take_choice<'a, T: Choice<'a>>(
    slot: &mut Option<T>,
    word: &[u8],
    input: &mut Input<'_, 'a>,
) -> Result<bool> {
    let Some(option) = T::OPTIONS.iter().find(|option| option.is_called(word)) else {
        return Ok(false);
    };
    input.skip();
    ensure_first(option, slot.as_ref().map(T::option))?;
    *slot = Some(T::read(word, input)?);
    Ok(true)
}

/// The one that must be given.
pub(crate) fn required_choice<'a, T: Choice<'a>>(slot: Option<T>) -> Result<T> {
    slot.ok_or_else(|| none_given(T::OPTIONS))
}

/// The worker or member that the caller claims to be; the call counts as its heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Actor<'a>(pub &'a str);

/// The name of the queue or service that a command works on; it is opened for the command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a>(pub &'a [u8]);

/// A number, or a word in its place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum IntOr {
    Int(i64),
    Word,
}

/// A value that may be a required argument; the other types occur only as options.
pub(crate) trait Required<'a>: Value<'a> {}

impl<'a, T: Required<'a>> Field<'a> for T {
    type Slot = T;

    #[inline]
    fn start(arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<T> {
        T::read(arg.name, arg, input)
    }

    #[inline]
    fn finish(value: T, _: &'static Arg) -> Result<T> {
        Ok(value)
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        Value::words(self, arg, words)
    }
}

impl<'a, T: Value<'a>> Field<'a> for Option<T> {
    type Slot = Option<T>;

    #[inline]
    fn start(_: &'static Arg, _: &mut Input<'_, 'a>) -> Result<Option<T>> {
        Ok(None)
    }

    #[inline]
    fn take(slot: &mut Option<T>, arg: &'static Arg, word: &[u8], input: &mut Input<'_, 'a>) -> Result<bool> {
        if !arg.is_called(word) {
            return Ok(false);
        }
        input.skip();
        ensure_first(arg, slot.is_some().then_some(arg))?;
        *slot = Some(T::read(arg.key(), arg, input)?);
        Ok(true)
    }

    #[inline]
    fn finish(slot: Option<T>, _: &'static Arg) -> Result<Option<T>> {
        Ok(slot)
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        if let Some(value) = self {
            words.push(arg.key().to_string());
            value.words(arg, words)?;
        }
        Ok(())
    }
}

impl<'a> Field<'a> for bool {
    type Slot = bool;

    #[inline]
    fn start(_: &'static Arg, _: &mut Input<'_, 'a>) -> Result<bool> {
        Ok(false)
    }

    #[inline]
    fn take(slot: &mut bool, arg: &'static Arg, word: &[u8], input: &mut Input<'_, 'a>) -> Result<bool> {
        if !arg.is_called(word) {
            return Ok(false);
        }
        input.skip();
        ensure_first(arg, slot.then_some(arg))?;
        *slot = true;
        Ok(true)
    }

    #[inline]
    fn finish(slot: bool, _: &'static Arg) -> Result<bool> {
        Ok(slot)
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        if *self {
            words.push(arg.key().to_string());
        }
        Ok(())
    }
}

impl<'a> Field<'a> for Key<'a> {
    type Slot = Key<'a>;

    #[inline]
    fn start(arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<Key<'a>> {
        Value::read(arg.name, arg, input).map(Key)
    }

    #[inline]
    fn finish(slot: Key<'a>, _: &'static Arg) -> Result<Key<'a>> {
        Ok(slot)
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        Value::words(&self.0, arg, words)
    }

    #[inline]
    fn key(&self) -> Option<&'a [u8]> {
        Some(self.0)
    }
}

impl<'a> Field<'a> for Actor<'a> {
    type Slot = Actor<'a>;

    #[inline]
    fn start(arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<Actor<'a>> {
        Value::read(arg.name, arg, input).map(Actor)
    }

    #[inline]
    fn finish(slot: Actor<'a>, _: &'static Arg) -> Result<Actor<'a>> {
        Ok(slot)
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        Value::words(&self.0, arg, words)
    }

    #[inline]
    fn actor(&self) -> Option<&'a str> {
        Some(self.0)
    }
}

impl<'a> Value<'a> for &'a str {
    #[inline]
    fn read(key: &'static str, arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<&'a str> {
        let bytes = input.next(key)?;
        match &arg.kind {
            Kind::Words(words) => word(key, words, bytes),
            _ => plain_text(arg.name, bytes),
        }
    }

    fn words(&self, _: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        words.push((*self).to_string());
        Ok(())
    }
}

impl<'a> Value<'a> for &'a [u8] {
    #[inline]
    fn read(key: &'static str, _: &'static Arg, input: &mut Input<'_, 'a>) -> Result<&'a [u8]> {
        input.next(key)
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        let text = std::str::from_utf8(self);
        let text = text.map_err(|_| Error::BadArg(format!("{} must be valid UTF-8", arg.key())))?;
        words.push(text.to_string());
        Ok(())
    }
}

/// The number types: the declared range fits into the chosen type.
pub(crate) trait Number: TryFrom<i64> + Copy + ToString {}

impl Number for i64 {}
impl Number for u64 {}
impl Number for usize {}
impl Number for u8 {}

impl<'a, T: Number> Value<'a> for T {
    #[inline]
    fn read(key: &'static str, arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<T> {
        let Kind::Int(min, max, unit) = arg.kind else {
            return Err(Error::Internal);
        };
        let number = int(key, input.next(key)?, min, max, unit)?;
        T::try_from(number).map_err(|_| Error::Internal)
    }

    fn words(&self, _: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        words.push(self.to_string());
        Ok(())
    }
}

impl<'a> Value<'a> for IntOr {
    fn read(key: &'static str, arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<IntOr> {
        let Kind::IntOr(min, max, unit, word) = arg.kind else {
            return Err(Error::Internal);
        };
        let bytes = input.next(key)?;
        if word.as_bytes().eq_ignore_ascii_case(bytes) {
            return Ok(IntOr::Word);
        }
        let number = int(key, bytes, min, max, unit);
        let wanted = || format!("{key} must be {} or {word}", range(min, max, unit));
        number.map(IntOr::Int).map_err(|_| Error::BadArg(wanted()))
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        match (self, &arg.kind) {
            (IntOr::Word, Kind::IntOr(_, _, _, word)) => words.push((*word).to_string()),
            (IntOr::Int(number), _) => words.push(number.to_string()),
            (IntOr::Word, _) => {}
        }
        Ok(())
    }
}

impl<'a, T: Value<'a>> Value<'a> for Vec<T> {
    fn read(key: &'static str, arg: &'static Arg, input: &mut Input<'_, 'a>) -> Result<Vec<T>> {
        let mut values = Vec::new();
        let mut add = |items: &'static [Arg], input: &mut Input<'_, 'a>| {
            let item = items.first().ok_or(Error::Internal)?;
            values.push(T::read(item.name, item, input)?);
            Ok(())
        };
        match arg.kind {
            Kind::Counted(least, most, items) => {
                let count = int(key, input.next(key)?, least, most, "")?;
                input.counted.get_or_insert(count);
                for _ in 0..count {
                    add(items, input)?;
                }
            }
            Kind::AsMany(items) => {
                for _ in 0..input.counted.unwrap_or(0) {
                    add(items, input)?;
                }
            }
            Kind::Many(items) => {
                add(items, input)?;
                while input.peek().is_some() {
                    add(items, input)?;
                }
            }
            Kind::ManyBefore(items, option) => {
                add(items, input)?;
                while input.peek().is_some() && !input.is_at_last(option) {
                    add(items, input)?;
                }
            }
            Kind::Any(items) => {
                while input.peek().is_some() {
                    add(items, input)?;
                }
            }
            _ => return Err(Error::Internal),
        }
        Ok(values)
    }

    fn words(&self, arg: &'static Arg, words: &mut Vec<String>) -> Result<()> {
        if let Kind::Counted(..) = arg.kind {
            words.push(self.len().to_string());
        }
        let (Kind::Counted(.., items)
        | Kind::AsMany(items)
        | Kind::Many(items)
        | Kind::ManyBefore(items, _)
        | Kind::Any(items)) = arg.kind
        else {
            return Err(Error::Internal);
        };
        let item = items.first().ok_or(Error::Internal)?;
        self.iter().try_for_each(|value| value.words(item, words))
    }
}

impl<'a> Required<'a> for &'a str {}
impl<'a> Required<'a> for &'a [u8] {}
impl<'a, T: Value<'a>> Required<'a> for Vec<T> {}
impl Required<'_> for i64 {}
impl Required<'_> for u64 {}
