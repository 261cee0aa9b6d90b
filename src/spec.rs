//! One declaration per command. From it come the parser and its errors, the arity, COMMAND DOCS, the key
//! spec and the README's row.

use crate::error::Error;
use crate::names::plain_text;
use crate::time::Ms;

/// What a command is, apart from what it does.
#[derive(Debug)]
pub struct Spec {
    /// Full name, upper case; a space before a subcommand: `TASK.CONFIG GET`.
    pub name: &'static str,
    /// One sentence for COMMAND DOCS and the README.
    pub summary: &'static str,
    /// Cost, in O notation.
    pub complexity: &'static str,
    /// What it may do to the data, and so which server checks apply to it.
    pub access: Access,
    /// Whether it may hold its client.
    pub blocking: bool,
    /// Where the queue names stand.
    pub keys: Keys,
    /// The arguments after the name, in order; options (with a word) last.
    pub args: &'static [Arg],
    /// What it replies, for the README.
    pub reply: &'static str,
}

/// What a command may do to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only looks.
    Read,
    /// Ends, returns or changes work; runs also when memory is full.
    Write,
    /// Adds work; refused when memory is full.
    Grow,
}

/// Where the queue names stand among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// The command takes no queue.
    None,
    /// The first argument.
    First,
    /// The first argument is a count and that many names follow.
    Counted,
}

/// One argument, or one option when it has a word.
#[derive(Debug)]
pub struct Arg {
    /// Name of the value in syntax, errors and `Args`.
    pub name: &'static str,
    /// The keyword in front of the value; with one, the argument is an option.
    pub word: Option<&'static str>,
    /// What values it takes.
    pub kind: Kind,
}

/// What values an argument takes.
#[derive(Debug)]
pub enum Kind {
    /// A queue name; checked where the database is known.
    Queue,
    /// An id or a worker: 1 to 256 bytes of UTF-8 without control characters.
    Text,
    /// Any bytes.
    Bytes,
    /// An integer of this range, both ends allowed, in this unit ("" for a count).
    Int(i64, i64, &'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// Nothing: the keyword says it all.
    Flag,
    /// These, one after the other; those with a word may be left out.
    Group(&'static [Arg]),
    /// At most one of these options.
    OneOf(&'static [Arg]),
    /// These, once or more often, to the end.
    Many(&'static [Arg]),
    /// These, as often as there is something, to the end.
    Any(&'static [Arg]),
    /// A count, then these that often.
    Counted(&'static [Arg]),
    /// One of these: a number, or a word.
    IntOr(i64, i64, &'static str, &'static [&'static str]),
}

impl Arg {
    /// A required value.
    pub const fn value(name: &'static str, kind: Kind) -> Arg {
        Arg { name, word: None, kind }
    }
    /// An option: a keyword and its value.
    pub const fn option(word: &'static str, name: &'static str, kind: Kind) -> Arg {
        Arg {
            name,
            word: Some(word),
            kind,
        }
    }
    /// An option without a value.
    pub const fn flag(word: &'static str) -> Arg {
        Arg {
            name: word,
            word: Some(word),
            kind: Kind::Flag,
        }
    }
    /// A duration in milliseconds after a keyword.
    pub const fn duration(word: &'static str, min: Ms, max: Ms) -> Arg {
        Arg::option(word, "ms", Kind::Int(min, max, "ms"))
    }
    /// The queue of a command.
    pub const QUEUE: Arg = Arg::value("queue", Kind::Queue);
    /// The id of a task.
    pub const ID: Arg = Arg::value("id", Kind::Text);
    /// The worker that claims.
    pub const WORKER: Arg = Arg::value("worker", Kind::Text);
    /// The fencing token of a claim.
    pub const TOKEN: Arg = Arg::value("token", Kind::Int(0, MAX_TOKEN, ""));
    /// How many, at most.
    pub const COUNT: Arg = Arg::option("COUNT", "n", Kind::Int(1, MAX_COUNT, ""));

    fn is_option(&self) -> bool {
        self.word.is_some() || matches!(self.kind, Kind::OneOf(_))
    }
}

/// Largest token and id number: below 2^53, so that every client language holds it exactly.
pub const MAX_TOKEN: i64 = (1 << 53) - 1;
/// Most items one call handles.
pub const MAX_COUNT: i64 = 1_000;

/// A parsed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
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
pub struct Args<'a> {
    found: Vec<(&'static str, Value<'a>)>,
    items: Vec<Value<'a>>,
}

impl<'a> Args<'a> {
    /// The value of this keyword or name, when given.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.found
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| *value)
    }
    /// The number given for this keyword or name.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Int(number)) => Some(number),
            _ => None,
        }
    }
    /// The bytes given for this keyword or name; none given is empty.
    pub fn bytes(&self, name: &str) -> &'a [u8] {
        match self.get(name) {
            Some(Value::Bytes(bytes)) => bytes,
            Some(Value::Text(text)) => text.as_bytes(),
            _ => &[],
        }
    }
    /// The text given for this keyword or name; none given is empty.
    pub fn text(&self, name: &str) -> &'a str {
        match self.get(name) {
            Some(Value::Text(text)) => text,
            Some(Value::Word(word)) => word,
            _ => "",
        }
    }
    /// The word given for this keyword or name.
    pub fn word(&self, name: &str) -> Option<&'static str> {
        match self.get(name) {
            Some(Value::Word(word)) => Some(word),
            _ => None,
        }
    }
    /// Whether this keyword or name was given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
    /// The repeated values of `Many` or `Counted`, flat.
    pub fn items(&self) -> &[Value<'a>] {
        &self.items
    }
}

impl Value<'_> {
    /// The bytes of a text or bytes value; empty for the others.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Value::Text(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            Value::Word(word) => word.as_bytes(),
            Value::Int(_) => &[],
        }
    }
    /// The number; 0 for the others.
    pub fn as_int(&self) -> i64 {
        match self {
            Value::Int(number) => *number,
            _ => 0,
        }
    }
}

impl Spec {
    /// The arity as Redis counts it: the words of the name included, negative when more may follow.
    pub fn arity(&self) -> i32 {
        let mut least = i32::try_from(self.name.split(' ').count()).unwrap_or(1);
        let mut open = false;
        for arg in self.args {
            if arg.is_option() {
                open = true;
                continue;
            }
            match &arg.kind {
                Kind::Many(items) => {
                    least += i32::try_from(items.len()).unwrap_or(1);
                    open = true;
                }
                Kind::Any(_) => open = true,
                Kind::Counted(items) => {
                    least += 1 + i32::try_from(items.len()).unwrap_or(1);
                    open = true;
                }
                _ => least += 1,
            }
        }
        if open { -least } else { least }
    }

    /// The flags RedisModule_CreateCommand takes.
    pub fn flags(&self) -> String {
        let mut flags = match self.access {
            Access::Read => "readonly",
            Access::Write => "write",
            Access::Grow => "write deny-oom",
        }
        .to_string();
        if self.blocking {
            flags.push_str(" blocking");
        }
        if self.complexity.starts_with("O(1)") && !self.blocking {
            flags.push_str(" fast");
        }
        flags
    }

    /// The usage line: `TASK.CLAIM queue worker [COUNT n] ...`.
    pub fn syntax(&self) -> String {
        let mut out = self.name.to_string();
        for arg in self.args {
            out.push(' ');
            arg.push_syntax(&mut out);
        }
        out
    }

    /// Parses the arguments after the command's name.
    pub fn parse<'a>(&self, argv: &[&'a [u8]]) -> Result<Args<'a>, Error> {
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

impl Arg {
    fn push_syntax(&self, out: &mut String) {
        if self.is_option() {
            out.push('[');
        }
        match &self.kind {
            Kind::OneOf(options) => {
                for (position, option) in options.iter().enumerate() {
                    if position > 0 {
                        out.push_str(" | ");
                    }
                    option.push_inner(out);
                }
            }
            _ => self.push_inner(out),
        }
        if self.is_option() {
            out.push(']');
        }
    }

    fn push_inner(&self, out: &mut String) {
        if let Some(word) = self.word {
            out.push_str(word);
            if !matches!(self.kind, Kind::Flag) {
                out.push(' ');
            }
        }
        match &self.kind {
            Kind::Words(words) => out.push_str(&words.join("|")),
            Kind::IntOr(_, _, _, words) => {
                out.push_str(self.name);
                out.push('|');
                out.push_str(&words.join("|"));
            }
            Kind::Flag => {}
            Kind::Int(0, 9, _) => out.push_str("0-9"),
            Kind::Group(args) => push_all(args, out),
            Kind::Many(args) => {
                push_all(args, out);
                out.push_str(" [");
                push_all(args, out);
                out.push_str(" ...]");
            }
            Kind::Any(args) => {
                out.push('[');
                push_all(args, out);
                out.push_str(" ...]");
            }
            Kind::Counted(args) => {
                out.push_str(self.name);
                out.push(' ');
                push_all(args, out);
                out.push_str(" [");
                push_all(args, out);
                out.push_str(" ...]");
            }
            _ => out.push_str(self.name),
        }
    }
}

fn push_all(args: &[Arg], out: &mut String) {
    for (position, arg) in args.iter().enumerate() {
        if position > 0 {
            out.push(' ');
        }
        arg.push_syntax(out);
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
        Ok(())
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
            Kind::Counted(items) => {
                let count = self.next(key)?;
                let count = int(arg.name, count, 1, MAX_COUNT, "")?;
                for _ in 0..count {
                    self.items(items)?;
                }
                return Ok(());
            }
            Kind::OneOf(_) => return Ok(()),
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
        Kind::Queue | Kind::Bytes => Ok(Value::Bytes(bytes)),
        Kind::Text => plain_text(arg.name, bytes).map(Value::Text),
        Kind::Int(min, max, unit) => int(key, bytes, *min, *max, unit).map(Value::Int),
        Kind::Words(words) => find_word(words, bytes)
            .map(Value::Word)
            .ok_or_else(|| Error::BadArg(format!("{key} must be {}", words.join(" or ")))),
        Kind::IntOr(min, max, unit, words) => match find_word(words, bytes) {
            Some(word) => Ok(Value::Word(word)),
            None => int(key, bytes, *min, *max, unit).map(Value::Int).map_err(|_| {
                let range = range(*min, *max, unit);
                Error::BadArg(format!("{key} must be {range} or {}", words.join(" or ")))
            }),
        },
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
        if let Kind::OneOf(options) = &arg.kind {
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
pub fn int(name: &str, bytes: &[u8], min: i64, max: i64, unit: &str) -> Result<i64, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: Spec = Spec {
        name: "TASK.X",
        summary: "",
        complexity: "O(1)",
        access: Access::Write,
        blocking: false,
        keys: Keys::First,
        args: &[
            Arg::QUEUE,
            Arg::value("payload", Kind::Bytes),
            Arg::option("ID", "id", Kind::Text),
            Arg::value(
                "when",
                Kind::OneOf(&[
                    Arg::duration("DELAY", 0, 10),
                    Arg::option("AT", "unix-ms", Kind::Int(5, 9, "ms")),
                ]),
            ),
            Arg::option(
                "BACKOFF",
                "backoff",
                Kind::Group(&[
                    Arg::value("kind", Kind::Words(&["FIXED", "EXPONENTIAL"])),
                    Arg::value("base-ms", Kind::Int(0, 100, "ms")),
                    Arg::duration("MAX", 0, 100),
                ]),
            ),
            Arg::flag("BIND"),
        ],
        reply: "",
    };

    fn parse<'a>(argv: &[&'a str]) -> Result<Args<'a>, String> {
        let argv: Vec<&[u8]> = argv.iter().map(|arg| arg.as_bytes()).collect();
        SPEC.parse(&argv).map_err(|error| error.to_string())
    }

    #[test]
    fn syntax_and_arity_come_from_the_declaration() {
        assert_eq!(
            SPEC.syntax(),
            "TASK.X queue payload [ID id] [DELAY ms | AT unix-ms] [BACKOFF FIXED|EXPONENTIAL base-ms [MAX ms]] [BIND]"
        );
        assert_eq!(SPEC.arity(), -3);
        assert_eq!(SPEC.flags(), "write fast");
    }

    #[test]
    fn options_come_in_any_order_and_case() {
        let args = parse(&["q", "DELAY", "bind", "backoff", "fixed", "7", "max", "9", "delay", "3"]).unwrap();
        assert_eq!(args.bytes("payload"), b"DELAY");
        assert_eq!(args.int("DELAY"), Some(3));
        assert_eq!(args.word("kind"), Some("FIXED"));
        assert_eq!((args.int("base-ms"), args.int("MAX")), (Some(7), Some(9)));
        assert!(args.has("BIND") && !args.has("ID"));
    }

    #[test]
    fn every_error_names_the_argument_and_its_range() {
        let error = |argv: &[&str]| parse(argv).unwrap_err();
        assert_eq!(
            error(&["q", "p", "DELAY", "11"]),
            "BADARG DELAY must be an integer from 0 to 10 ms"
        );
        assert_eq!(
            error(&["q", "p", "DELAY", "+1"]),
            "BADARG DELAY must be an integer from 0 to 10 ms"
        );
        assert_eq!(error(&["q", "p", "DELAY"]), "BADARG DELAY is missing its value");
        assert_eq!(
            error(&["q", "p", "DELAY", "1", "delay", "1"]),
            "BADARG DELAY is given twice"
        );
        assert_eq!(
            error(&["q", "p", "DELAY", "1", "AT", "6"]),
            "BADARG AT contradicts DELAY: give one of them"
        );
        assert_eq!(
            error(&["q", "p", "BACKOFF", "NO", "1"]),
            "BADARG kind must be FIXED or EXPONENTIAL"
        );
        assert_eq!(error(&["q", "p", "x\ny%"]), "BADARG unknown argument x?y%");
        assert_eq!(error(&["q", "p", "ID", ""]), "BADNAME id must be 1 to 256 bytes long");
    }
}
