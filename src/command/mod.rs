//! One declaration per command. From it come the parser and its errors, the arity, COMMAND DOCS, the key
//! spec and the README's row.

mod parse;
mod syntax;

pub(crate) use parse::{Args, Value, int};

use crate::time::{MAX_BLOCK, Ms};

/// What a command is, apart from what it does.
#[derive(Debug)]
pub(crate) struct Spec {
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
pub(crate) enum Access {
    /// Only looks.
    Read,
    /// ResultWait, returns or changes work; runs also when memory is full.
    Write,
    /// Adds work; refused when memory is full.
    Grow,
}

/// Where the queue names stand among the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// The command takes no queue.
    None,
    /// The first argument.
    First,
    /// The first argument is a count and that many names follow.
    Counted,
}

/// One argument, or one option when it has a word.
#[derive(Debug)]
pub(crate) struct Arg {
    /// Name of the value in syntax, errors and `Args`.
    pub name: &'static str,
    /// The keyword in front of the value; with one, the argument is an option.
    pub word: Option<&'static str>,
    /// What values it takes.
    pub kind: Kind,
}

/// What values an argument takes.
#[derive(Debug)]
pub(crate) enum Kind {
    /// The name of a queue or a service; checked where the database is known.
    Name,
    /// An id or a worker: 1 to 256 bytes of UTF-8 without control characters.
    Text,
    /// Any bytes.
    Bytes,
    /// An integer of this range, both ends allowed, in this unit ("" for a count).
    Int(i64, i64, &'static str),
    /// An integer of this range in this unit, or this word.
    IntOr(i64, i64, &'static str, &'static str),
    /// One of these words.
    Words(&'static [&'static str]),
    /// Nothing: the keyword says it all.
    Flag,
    /// These, one after the other; those with a word may be left out.
    Group(&'static [Arg]),
    /// At most one of these options.
    OneOf(&'static [Arg]),
    /// Exactly one of these options.
    Either(&'static [Arg]),
    /// These, once or more often, to the end.
    Many(&'static [Arg]),
    /// These, as often as there is something, to the end.
    Any(&'static [Arg]),
    /// A count up to this one, then these that often.
    Counted(i64, &'static [Arg]),
}

impl Arg {
    /// A required value.
    pub(crate) const fn value(name: &'static str, kind: Kind) -> Arg {
        Arg { name, word: None, kind }
    }
    /// An option: a keyword and its value.
    pub(crate) const fn option(word: &'static str, name: &'static str, kind: Kind) -> Arg {
        Arg {
            name,
            word: Some(word),
            kind,
        }
    }
    /// An option without a value.
    pub(crate) const fn flag(word: &'static str) -> Arg {
        Arg {
            name: word,
            word: Some(word),
            kind: Kind::Flag,
        }
    }
    /// A duration in milliseconds after a keyword.
    pub(crate) const fn duration(word: &'static str, min: Ms, max: Ms) -> Arg {
        Arg::option(word, "ms", Kind::Int(min, max, "ms"))
    }
    /// The queue of a command.
    pub(crate) const QUEUE: Arg = Arg::value("queue", Kind::Name);
    /// The service of a command.
    pub(crate) const SERVICE: Arg = Arg::value("service", Kind::Name);
    /// A member of a service.
    pub(crate) const MEMBER: Arg = Arg::value("member", Kind::Text);
    /// The id of a task.
    pub(crate) const ID: Arg = Arg::value("id", Kind::Text);
    /// The worker that claims.
    pub(crate) const WORKER: Arg = Arg::value("worker", Kind::Text);
    /// The fencing token of a claim.
    pub(crate) const TOKEN: Arg = Arg::value("token", Kind::Int(0, MAX_TOKEN, ""));
    /// How many, at most.
    pub(crate) const COUNT: Arg = Arg::option("COUNT", "n", Kind::Int(1, MAX_COUNT, ""));
    /// How long to wait; 0: for ever. `Timeout::asked` reads it.
    pub(crate) const BLOCK: Arg = Arg::duration("BLOCK", 0, MAX_BLOCK);

    fn is_option(&self) -> bool {
        self.word.is_some() || matches!(self.kind, Kind::OneOf(_) | Kind::Either(_))
    }
}

/// Largest token and id number: below 2^53, so that every client language holds it exactly.
pub(crate) const MAX_TOKEN: i64 = (1 << 53) - 1;
/// Most items one call handles.
pub(crate) const MAX_COUNT: i64 = 1_000;

impl Spec {
    /// How many words the command's name has: two for a subcommand.
    pub(crate) const fn words(&self) -> usize {
        let mut rest = self.name.as_bytes();
        let mut words = 1;
        while let [byte, more @ ..] = rest {
            words += (*byte == b' ') as usize;
            rest = more;
        }
        words
    }

    /// The arity as Redis counts it: the words of the name included, negative when more may follow.
    pub(crate) fn arity(&self) -> i32 {
        let mut least = i32::try_from(self.name.split(' ').count()).unwrap_or(1);
        let mut open = false;
        for arg in self.args {
            match &arg.kind {
                Kind::Either(_) => {
                    // A keyword and its value.
                    least += 2;
                    open = true;
                }
                _ if arg.is_option() => open = true,
                Kind::Many(items) => {
                    least += i32::try_from(items.len()).unwrap_or(1);
                    open = true;
                }
                Kind::Any(_) => open = true,
                Kind::Counted(_, items) => {
                    least += 1 + i32::try_from(items.len()).unwrap_or(1);
                    open = true;
                }
                _ => least += 1,
            }
        }
        if open { -least } else { least }
    }

    /// The flags RedisModule_CreateCommand takes.
    pub(crate) fn flags(&self) -> String {
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
    fn options_that_were_given_are_words_again() {
        let options = SPEC.args.get(2..).unwrap();
        let words = |argv: &[&str]| parse(argv).unwrap().words(options).unwrap().join(" ");
        assert_eq!(words(&["q", "p"]), "");
        let given = words(&[
            "q", "p", "bind", "backoff", "fixed", "7", "max", "9", "at", "6", "id", "x",
        ]);
        assert_eq!(given, "ID x AT 6 BACKOFF FIXED 7 MAX 9 BIND");
        let again: Vec<&str> = "q p".split(' ').chain(given.split(' ')).collect();
        assert_eq!(words(&again), given);
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
