//! An argument as it is declared.

/// One argument; an option when it has a keyword.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arg {
    /// Name of the value in syntax and errors.
    pub name: &'static str,
    /// The keyword in front of the value; with one, the argument is an option.
    pub word: Option<&'static str>,
    /// What values it takes.
    pub kind: Kind,
    /// What it is for, for COMMAND DOCS and the manual.
    pub meaning: &'static str,
}

/// What values an argument takes.
#[derive(Clone, Copy, Debug)]
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
    /// No value: a flag.
    Flag,
    /// These in sequence; those with a keyword are optional.
    Group(&'static [Arg]),
    /// The same, but flattened into the command's own arguments: several commands share them.
    Shared(&'static [Arg]),
    /// At most one of these options.
    OneOf(&'static [Arg]),
    /// Exactly one of these options.
    Either(&'static [Arg]),
    /// These, one or more times, to the end.
    Many(&'static [Arg]),
    /// These, one or more times, to the end or to this option, which comes last.
    ManyBefore(&'static [Arg], &'static str),
    /// These, zero or more times, to the end.
    Any(&'static [Arg]),
    /// A count of this range, then these that many times.
    Counted(i64, i64, &'static [Arg]),
    /// As many of these as the call has counted before.
    AsMany(&'static [Arg]),
    /// These in sequence, each time the keyword is given.
    Repeated(&'static [Arg]),
}

impl Arg {
    /// Whether it may be left out, or is introduced by a keyword.
    pub(crate) fn is_option(&self) -> bool {
        self.word.is_some() || matches!(self.kind, Kind::OneOf(_) | Kind::Either(_))
    }

    /// Whether this is the keyword in front of it.
    pub(crate) fn is_called(&self, word: &[u8]) -> bool {
        self.word.is_some_and(|own| own.as_bytes().eq_ignore_ascii_case(word))
    }

    /// Its name in errors.
    pub(crate) fn key(&self) -> &'static str {
        self.word.unwrap_or(self.name)
    }
}
