//! The arguments of one call, parsed as the declaration says.

use std::ops::Range;

use super::{Arg, Kind, Spec};
use smallvec::SmallVec;

use crate::error::Error;
use crate::names::plain_text;

/// A parsed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Checked text.
    Text(&'a str),
    /// Any bytes.
    Bytes(&'a [u8]),
    /// A number in its range.
    Int(i64),
    /// The word, in the spelling of the declaration.
    Word(&'static str),
}

/// The parsed arguments of one call. Values are found by the option's keyword, else by their name.
#[derive(Debug, Default)]
pub(crate) struct Args<'a> {
    found: SmallVec<[(&'static str, Value<'a>); 6]>,
    items: Vec<Value<'a>>,
    /// Where the items of each `Counted` are.
    counted: SmallVec<[(&'static str, Range<usize>); 1]>,
}

impl<'a> Args<'a> {
    /// The value of this keyword or name, when given.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'a>> {
        self.found
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| *value)
    }
    /// The number given for this keyword or name.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Int(number)) => Some(number),
            _ => None,
        }
    }
    /// The bytes given for this keyword or name; none given is empty.
    pub(crate) fn bytes(&self, name: &str) -> &'a [u8] {
        match self.get(name) {
            Some(Value::Bytes(bytes)) => bytes,
            Some(Value::Text(text)) => text.as_bytes(),
            _ => &[],
        }
    }
    /// The text given for this keyword or name; none given is empty.
    pub(crate) fn text(&self, name: &str) -> &'a str {
        match self.get(name) {
            Some(Value::Text(text)) => text,
            Some(Value::Word(word)) => word,
            _ => "",
        }
    }
    /// The word given for this keyword or name.
    pub(crate) fn word(&self, name: &str) -> Option<&'static str> {
        match self.get(name) {
            Some(Value::Word(word)) => Some(word),
            _ => None,
        }
    }
    /// Whether this keyword or name was given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
    /// Whether any option was given; the keyword of one is in capitals, the name of a required value is not.
    pub(crate) fn has_options(&self) -> bool {
        let is_keyword = |key: &str| key.starts_with(|first: char| first.is_ascii_uppercase());
        self.found.iter().any(|(key, _)| is_keyword(key))
    }
    /// The options among these that were given, as words in the order of the declaration: what parses to the same.
    /// `BADARG` for a value that is no UTF-8, which could not be stored as text.
    pub(crate) fn words(&self, options: &'static [Arg]) -> Result<Vec<String>, Error> {
        let mut words = Vec::new();
        for option in options {
            let key = option.word.unwrap_or(option.name);
            match (&option.kind, self.get(key)) {
                (Kind::OneOf(options), _) => words.extend(self.words(options)?),
                (_, None) => {}
                (Kind::Group(inner), Some(_)) => {
                    words.extend(option.word.map(str::to_string));
                    words.extend(self.words(inner)?);
                }
                (Kind::Flag, Some(_)) => words.push(key.to_string()),
                (_, Some(value)) => {
                    words.extend(option.word.map(str::to_string));
                    words.push(match value {
                        Value::Int(number) => number.to_string(),
                        Value::Text(text) => text.to_string(),
                        Value::Word(word) => word.to_string(),
                        Value::Bytes(bytes) => std::str::from_utf8(bytes)
                            .map_err(|_| Error::BadArg(format!("{key} must be valid UTF-8")))?
                            .to_string(),
                    });
                }
            }
        }
        Ok(words)
    }
    /// The repeated values of `Many` or `Counted`, flat. Where there may be several of these, those of all.
    pub(crate) fn items(&self) -> &[Value<'a>] {
        &self.items
    }
    /// The repeated values of the `Counted` of this name, flat.
    pub(crate) fn items_of(&self, name: &str) -> &[Value<'a>] {
        let range = self.counted.iter().find(|(counted, _)| *counted == name);
        range
            .and_then(|(_, range)| self.items.get(range.clone()))
            .unwrap_or_default()
    }
}

impl<'a> Value<'a> {
    /// The text of a text value; empty for the others.
    pub(crate) fn as_text(&self) -> &'a str {
        match self {
            Value::Text(text) => text,
            _ => "",
        }
    }
    /// The bytes of a text or bytes value; empty for the others.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Value::Text(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            Value::Word(word) => word.as_bytes(),
            Value::Int(_) => &[],
        }
    }
    /// The number; 0 for the others.
    pub(crate) fn as_int(&self) -> i64 {
        match self {
            Value::Int(number) => *number,
            _ => 0,
        }
    }
}

impl Spec {
    /// Parses the arguments after the command's name.
    pub(crate) fn parse<'a>(&self, argv: &[&'a [u8]]) -> Result<Args<'a>, Error> {
        let mut parser = Parser {
            argv,
            at: 0,
            args: Args::default(),
        };
        parser.sequence(self.args)?;
        match parser.peek() {
            None => Ok(parser.args),
            Some(extra) => Err(unknown(extra)),
        }
    }
}

struct Parser<'v, 'a> {
    argv: &'v [&'a [u8]],
    at: usize,
    args: Args<'a>,
}

impl<'a> Parser<'_, 'a> {
    fn peek(&self) -> Option<&'a [u8]> {
        self.argv.get(self.at).copied()
    }

    fn next(&mut self, wanted: &str) -> Result<&'a [u8], Error> {
        let value = self
            .peek()
            .ok_or_else(|| Error::BadArg(format!("{wanted} is missing its value")))?;
        self.at += 1;
        Ok(value)
    }

    /// Required values in order, then options in any order.
    fn sequence(&mut self, args: &'static [Arg]) -> Result<(), Error> {
        for arg in args.iter().filter(|arg| !arg.is_option()) {
            self.value(arg.name, arg)?;
        }
        while let Some(word) = self.peek() {
            let Some((arg, rivals)) = find_option(args, word) else {
                break;
            };
            self.at += 1;
            let key = arg.word.unwrap_or(arg.name);
            if self.args.has(key) {
                return Err(Error::BadArg(format!("{key} is given twice")));
            }
            if let Some(rival) = rivals
                .iter()
                .find(|rival| rival.word.is_some_and(|word| self.args.has(word)))
            {
                let rival = rival.word.unwrap_or(rival.name);
                return Err(Error::BadArg(format!("{key} contradicts {rival}: give one of them")));
            }
            self.value(key, arg)?;
        }
        for arg in args {
            if let Kind::Either(options) = &arg.kind {
                self.require_one(options)?;
            }
        }
        Ok(())
    }

    fn require_one(&self, options: &[Arg]) -> Result<(), Error> {
        let words: Vec<&str> = options.iter().filter_map(|option| option.word).collect();
        if words.iter().any(|word| self.args.has(word)) {
            return Ok(());
        }
        Err(Error::BadArg(format!("{} must be given", words.join(" or "))))
    }

    fn value(&mut self, key: &'static str, arg: &'static Arg) -> Result<(), Error> {
        let value = match &arg.kind {
            Kind::Flag => Value::Word(key),
            Kind::Group(args) => {
                self.args.found.push((key, Value::Word(key)));
                return self.sequence(args);
            }
            Kind::Any(items) => {
                while self.at < self.argv.len() {
                    self.items(items)?;
                }
                return Ok(());
            }
            Kind::Many(items) => {
                while self.at < self.argv.len() || self.args.items.is_empty() {
                    self.items(items)?;
                }
                return Ok(());
            }
            Kind::Counted(most, items) => {
                let count = self.next(key)?;
                let count = int(key, count, 1, *most, "")?;
                let start = self.args.items.len();
                for _ in 0..count {
                    self.items(items)?;
                }
                self.args.counted.push((key, start..self.args.items.len()));
                Value::Int(count)
            }
            Kind::OneOf(_) | Kind::Either(_) => return Ok(()),
            _ => {
                let bytes = self.next(key)?;
                scalar(key, arg, bytes)?
            }
        };
        self.args.found.push((key, value));
        Ok(())
    }

    fn items(&mut self, items: &'static [Arg]) -> Result<(), Error> {
        for item in items {
            let bytes = self.next(item.name)?;
            let value = scalar(item.name, item, bytes)?;
            self.args.items.push(value);
        }
        Ok(())
    }
}

fn scalar<'a>(key: &str, arg: &'static Arg, bytes: &'a [u8]) -> Result<Value<'a>, Error> {
    match &arg.kind {
        Kind::Name | Kind::Bytes => Ok(Value::Bytes(bytes)),
        Kind::Text => plain_text(arg.name, bytes).map(Value::Text),
        Kind::Int(min, max, unit) => int(key, bytes, *min, *max, unit).map(Value::Int),
        Kind::IntOr(_, _, _, word) if word.as_bytes().eq_ignore_ascii_case(bytes) => Ok(Value::Word(word)),
        Kind::IntOr(min, max, unit, word) => int(key, bytes, *min, *max, unit)
            .map(Value::Int)
            .map_err(|_| Error::BadArg(format!("{key} must be {} or {word}", range(*min, *max, unit)))),
        Kind::Words(words) => find_word(words, bytes)
            .map(Value::Word)
            .ok_or_else(|| Error::BadArg(format!("{key} must be {}", words.join(" or ")))),
        _ => Err(Error::Internal),
    }
}

fn find_word(words: &[&'static str], bytes: &[u8]) -> Option<&'static str> {
    words
        .iter()
        .copied()
        .find(|word| word.as_bytes().eq_ignore_ascii_case(bytes))
}

/// The option of this keyword, and those that exclude it.
fn find_option(args: &'static [Arg], word: &[u8]) -> Option<(&'static Arg, &'static [Arg])> {
    for arg in args {
        if let Kind::OneOf(options) | Kind::Either(options) = &arg.kind {
            if let Some((found, _)) = find_option(options, word) {
                return Some((found, options));
            }
        } else if arg.word.is_some_and(|own| own.as_bytes().eq_ignore_ascii_case(word)) {
            return Some((arg, &[]));
        }
    }
    None
}

fn range(min: i64, max: i64, unit: &str) -> String {
    let unit = if unit.is_empty() {
        String::new()
    } else {
        format!(" {unit}")
    };
    format!("an integer from {min} to {max}{unit}")
}

/// `bytes` as an integer of the range; else `BADARG` with the argument's name and the range.
pub(crate) fn int(name: &str, bytes: &[u8], min: i64, max: i64, unit: &str) -> Result<i64, Error> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| !text.starts_with('+'))
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Error::BadArg(format!("{name} must be {}", range(min, max, unit))))
}

/// The error for an argument nobody asked for; shows its first bytes when they are plain ASCII.
fn unknown(argument: &[u8]) -> Error {
    let shown: String = argument
        .iter()
        .take(32)
        .map(|&byte| if byte.is_ascii_graphic() { char::from(byte) } else { '?' })
        .collect();
    Error::BadArg(format!("unknown argument {shown}"))
}
