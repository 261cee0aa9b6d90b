//! Parses the words of a call.

use super::arg::{Arg, Kind};
use crate::error::{Error, Result};

/// The unread words of a call.
#[derive(Debug)]
pub(crate) struct Input<'v, 'a> {
    rest: &'v [&'a [u8]],
}

impl<'v, 'a> Input<'v, 'a> {
    /// All words after the command's name.
    pub(super) fn new(argv: &'v [&'a [u8]]) -> Input<'v, 'a> {
        Input { rest: argv }
    }

    /// The next word.
    pub(super) fn peek(&self) -> Option<&'a [u8]> {
        self.rest.first().copied()
    }

    /// Skips the next word.
    pub(super) fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// The next word, as the value of this argument.
    pub(super) fn next(&mut self, wanted: &str) -> Result<&'a [u8]> {
        match self.rest.split_first() {
            Some((word, rest)) => {
                self.rest = rest;
                Ok(word)
            }
            None => Err(Error::BadArg(format!("{wanted} is missing its value"))),
        }
    }

    /// Errors with `BADARG` unless every word of the call, to which these arguments belong, has been read.
    pub(super) fn end(&self, argv: &[&[u8]], args: &[Arg]) -> Result<()> {
        let Some(extra) = self.peek() else {
            return Ok(());
        };
        Err(match group_of(extra, args) {
            Some((group, option)) => misplaced(option, group, argv),
            None => unknown(extra),
        })
    }
}

/// Errors with `BADARG` when an option is repeated or excludes one that was given before.
pub(super) fn ensure_first(option: &Arg, given: Option<&Arg>) -> Result<()> {
    let Some(given) = given else {
        return Ok(());
    };
    let (key, given) = (option.key(), given.key());
    Err(Error::BadArg(if key == given {
        format!("{key} is given twice")
    } else {
        format!("{key} contradicts {given}: give one of them")
    }))
}

/// The error when none of these was given.
pub(super) fn none_given(options: &[Arg]) -> Error {
    let words: Vec<&str> = options.iter().filter_map(|option| option.word).collect();
    Error::BadArg(format!("{} must be given", words.join(" or ")))
}

/// One of these words, in any case, as it is spelled here.
pub(super) fn word(key: &str, words: &[&'static str], bytes: &[u8]) -> Result<&'static str> {
    let is_it = |word: &&str| word.as_bytes().eq_ignore_ascii_case(bytes);
    let found = words.iter().copied().find(is_it);
    found.ok_or_else(|| Error::BadArg(format!("{key} must be {}", words.join(" or "))))
}

/// This range of integers, in this unit, for an error text.
pub(super) fn range(min: i64, max: i64, unit: &str) -> String {
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!(" {unit}")
    };
    format!("an integer from {min} to {max}{unit}")
}

/// So many digits fit into any integer.
const SHORT: usize = 18;

/// `bytes` as an integer of the range; else `BADARG` with the argument's name and the range.
pub(crate) fn int(name: &str, bytes: &[u8], min: i64, max: i64, unit: &str) -> Result<i64> {
    decimal(bytes)
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Error::BadArg(format!("{name} must be {}", range(min, max, unit))))
}

fn decimal(bytes: &[u8]) -> Option<i64> {
    if (1..=SHORT).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit) {
        return Some(
            bytes
                .iter()
                .fold(0, |number, digit| number * 10 + i64::from(digit - b'0')),
        );
    }
    let text = std::str::from_utf8(bytes).ok()?;
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// The option that has a keyword `word` in its group, and that keyword's argument.
fn group_of<'s>(word: &[u8], args: &'s [Arg]) -> Option<(&'s Arg, &'s Arg)> {
    args.iter().find_map(|arg| match &arg.kind {
        Kind::Group(inner) => inner.iter().find(|own| own.is_called(word)).map(|own| (arg, own)),
        Kind::Shared(inner) | Kind::OneOf(inner) | Kind::Either(inner) => group_of(word, inner),
        _ => None,
    })
}

/// The error for an option of a group that is outside that group.
fn misplaced(option: &Arg, group: &Arg, argv: &[&[u8]]) -> Error {
    let (option, word) = (option.key(), group.key());
    Error::BadArg(if argv.iter().any(|given| group.is_called(given)) {
        format!("{option} must follow {word} directly: {}", group.inner_syntax())
    } else {
        format!("{option} is an option of {word}, which is not given")
    })
}

/// The error for an unexpected argument; shows its first bytes when they are plain ASCII.
fn unknown(argument: &[u8]) -> Error {
    let shown: String = argument
        .iter()
        .take(32)
        .map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' })
        .collect();
    Error::BadArg(format!("unknown argument {shown}"))
}
