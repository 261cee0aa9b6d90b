//! Parses the words of a call.

use super::arg::{Arg, Kind};
use crate::error::{Error, Result};

/// Most items one call handles.
pub(crate) const MAX_COUNT: usize = 1_000;

/// The unread words of a call.
#[derive(Debug)]
pub(crate) struct Input<'v, 'a> {
    rest: &'v [&'a [u8]],
    /// The first count of the call.
    pub(super) counted: Option<i64>,
}

impl<'v, 'a> Input<'v, 'a> {
    /// All words after the command's name.
    pub(super) fn new(argv: &'v [&'a [u8]]) -> Input<'v, 'a> {
        Input {
            rest: argv,
            counted: None,
        }
    }

    /// The next word.
    pub(super) fn peek(&self) -> Option<&'a [u8]> {
        self.rest.first().copied()
    }

    /// Whether what is left is this option and its value.
    pub(super) fn is_at_last(&self, option: &str) -> bool {
        matches!(self.rest, [word, _] if option.as_bytes().eq_ignore_ascii_case(word))
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
        Err(match owner_of(extra, args) {
            Some((option, word)) => misplaced(word, option, argv),
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

/// Errors with `BadArg` if so many are too many for one call.
pub(crate) fn ensure_few(what: &str, count: usize) -> Result<()> {
    match count {
        0..=MAX_COUNT => Ok(()),
        _ => Err(Error::BadArg(format!(
            "{what} must be at most {MAX_COUNT} a call, not {count}"
        ))),
    }
}

/// The error when none of these was given.
pub(super) fn none_given(options: &[Arg]) -> Error {
    let words: Vec<&str> = options.iter().filter_map(|option| option.word).collect();
    Error::BadArg(format!("{} must be given", words.join(" or ")))
}

/// One of these words, in any case, as it is spelled here.
pub(crate) fn word(key: &str, words: &[&'static str], bytes: &[u8]) -> Result<&'static str> {
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
    let append = |number: i64, digit: &u8| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'));
    match bytes {
        [b'0'..=b'9', ..] if bytes.len() <= SHORT => {
            let (first, eights) = bytes.as_rchunks();
            let first = first.iter().try_fold(0, append)?;
            let append = |number, digits| Some(number * 100_000_000 + eight_digits(digits)?);
            eights.iter().try_fold(first, append)
        }
        [b'+', ..] => None,
        _ => std::str::from_utf8(bytes).ok()?.parse().ok(),
    }
}

/// The number of eight digits, all at once: every token has sixteen (Lemire, "Quickly parsing eight digits", 2018).
fn eight_digits(digits: &[u8; 8]) -> Option<i64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    let text = u64::from_le_bytes(*digits);
    // Of a digit, and of a digit and 6, the high half is 3.
    if text & HIGH != ZEROS || text.wrapping_add(0x0606_0606_0606_0606) & HIGH != ZEROS {
        return None;
    }
    let pairs = (text & !HIGH).wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    Some((fours.wrapping_mul(10_000 << 32 | 1) >> 32).cast_signed())
}

/// How a word is spelled inside of an argument, unless it is not there.
type Inside = fn(&[u8], &Arg) -> Option<&'static str>;

/// The argument that `word` belongs to, as a keyword of its group or else as a value, and how that word is spelled.
fn owner_of<'s>(word: &[u8], args: &'s [Arg]) -> Option<(&'s Arg, &'static str)> {
    owner_as(keyword, word, args).or_else(|| owner_as(value, word, args))
}

fn owner_as<'s>(inside: Inside, word: &[u8], args: &'s [Arg]) -> Option<(&'s Arg, &'static str)> {
    args.iter().find_map(|arg| match &arg.kind {
        Kind::Shared(inner) | Kind::OneOf(inner) | Kind::Either(inner) => owner_as(inside, word, inner),
        Kind::Words(_) => inside(word, arg).map(|found| (arg, found)),
        _ if arg.word.is_some() => inside(word, arg).map(|found| (arg, found)),
        _ => None,
    })
}

fn keyword(word: &[u8], arg: &Arg) -> Option<&'static str> {
    let (Kind::Group(inner) | Kind::OneOf(inner)) = &arg.kind else {
        return None;
    };
    let is_it = |own: &&str| own.as_bytes().eq_ignore_ascii_case(word);
    inner
        .iter()
        .find_map(|own| own.word.filter(is_it).or_else(|| keyword(word, own)))
}

fn value(word: &[u8], arg: &Arg) -> Option<&'static str> {
    let is_it = |own: &&str| own.as_bytes().eq_ignore_ascii_case(word);
    match &arg.kind {
        Kind::Group(inner) | Kind::OneOf(inner) => inner.iter().find_map(|own| value(word, own)),
        Kind::Words(words) => words.iter().copied().find(is_it),
        Kind::IntOr(.., own) => Some(*own).filter(is_it),
        _ => None,
    }
}

/// The error for a word of an option that is not where that option is, or of a required argument that is given.
fn misplaced(word: &str, option: &Arg, argv: &[&[u8]]) -> Error {
    let key = option.key();
    Error::BadArg(if option.word.is_none() {
        format!("{key} is given twice")
    } else if argv.iter().any(|given| option.is_called(given)) {
        format!("{word} must follow {key} directly: {}", option.inner_syntax())
    } else {
        format!("{word} is an option of {key}, which is not given")
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
