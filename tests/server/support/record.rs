//! The bytes the module writes: the record of effects in `steward`, and the header of a task.

use std::collections::BTreeMap;

use super::value::readable;

/// The strings that effects have written so far, by name and key: what was patched is shown whole.
pub(crate) type Strings = BTreeMap<(String, String), Vec<u8>>;

/// The effects of a record of this name, one line each, such as `rpush ready:5 [a, b]`.
pub(crate) fn effects(name: &str, record: &[u8], strings: &mut Strings) -> Vec<String> {
    let mut from = Reader {
        rest: record,
        name: name.to_string(),
        strings,
        id: String::new(),
    };
    assert_eq!(from.byte(), b'1', "format version");
    let mut effects = Vec::new();
    while !from.rest.is_empty() {
        effects.push(from.effect());
    }
    effects
}

struct Reader<'a> {
    rest: &'a [u8],
    /// The name that the next effect concerns.
    name: String,
    strings: &'a mut Strings,
    /// The last id.
    id: String,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(length).expect("a whole record");
        self.rest = rest;
        taken
    }

    /// LEB128.
    fn number(&mut self) -> u64 {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return number;
            }
        }
        panic!("a number of more than 64 bits");
    }

    /// Zigzag.
    fn score(&mut self) -> i64 {
        let number = self.number();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = self.number();
        self.take(usize::try_from(length).unwrap())
    }

    fn text(&mut self) -> String {
        readable(self.bytes())
    }

    /// A text, or the id before.
    fn id(&mut self) -> String {
        if let Some(length) = self.number().checked_sub(1) {
            self.id = readable(self.take(usize::try_from(length).unwrap()));
        }
        self.id.clone()
    }

    fn list<T: std::fmt::Display>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> String {
        let count = self.number();
        let items: Vec<String> = (0..count).map(|_| item(self).to_string()).collect();
        format!("[{}]", items.join(", "))
    }

    fn effect(&mut self) -> String {
        let code = self.byte();
        if code == b'N' {
            self.name = self.text();
            return format!("of {}", self.name);
        }
        let key = self.key();
        match code {
            b'S' => {
                let value = self.bytes();
                self.strings.insert((self.name.clone(), key.clone()), value.to_vec());
                format!("set {key} {}", shown_value(&key, value))
            }
            b'H' => format!("patch {key} {}", self.patched(&key)),
            b'X' => format!("del {key}"),
            b'M' => format!("rename {key} {}", self.key()),
            b'R' => format!("rpush {key} {}", self.list(Reader::id)),
            b'L' => format!("lpush {key} {}", self.list(Reader::id)),
            b'P' => format!("lpop {key} {}", self.list(Reader::id)),
            b'E' => format!(
                "lremove {key} {}",
                self.list(|from| format!("{} {}", from.number(), from.id()))
            ),
            b'Z' => format!(
                "zadd {key} {}",
                self.list(|from| format!("{} {}", from.score(), from.id()))
            ),
            b'Y' => format!("zrem {key} {}", self.list(Reader::id)),
            b'A' => format!(
                "hset {key} {}",
                self.list(|from| format!("{} {}", from.text(), from.text()))
            ),
            b'B' => format!("hdel {key} {}", self.list(Reader::text)),
            b'I' => format!(
                "xadd {key} {}-{} most {} {}",
                self.number(),
                self.number(),
                self.number(),
                self.list(|from| format!("{} {}", from.text(), from.text()))
            ),
            other => panic!("unknown effect {:?}", char::from(other)),
        }
    }

    /// A string after some of its bytes were replaced, without the rest behind its header.
    fn patched(&mut self, key: &str) -> String {
        let changes: Vec<_> = (0..self.number()).map(|_| (self.number(), self.bytes())).collect();
        let string = self.strings.entry((self.name.clone(), key.to_string())).or_default();
        let mut at = 0;
        for (kept, new) in changes {
            at += usize::try_from(kept).unwrap();
            string[at..at + new.len()].copy_from_slice(new);
            at += new.len();
        }
        shown_value(key, &string[..HEADER])
    }

    fn key(&mut self) -> String {
        match self.byte() {
            b't' => format!("t:{}", self.id()),
            b'x' => format!("x:{}", self.id()),
            b'D' => format!("drop:{}:{}", self.number(), self.key()),
            b'q' => "queue".into(),
            b'w' => "workers".into(),
            b's' => "scheduled".into(),
            b'c' => "claimed".into(),
            b'd' => "dead".into(),
            b'f' => "done".into(),
            b'b' => "blocked".into(),
            b'i' => "targeted".into(),
            b'g' => format!("group:{}", self.id()),
            b'a' => format!("after:{}", self.id()),
            b'o' => format!("to:{}", self.id()),
            b'p' => "service".into(),
            b'm' => "members".into(),
            b'k' => "candidates".into(),
            b'v' => "events".into(),
            b'e' => "expiring".into(),
            b'u' => "unique".into(),
            b'n' => "unique-until".into(),
            b'r' => "repeats".into(),
            b'y' => "repeat-due".into(),
            b'z' => "repeat-payloads".into(),
            b'V' => "task-events".into(),
            b'h' => "history".into(),
            digit @ b'0'..=b'9' => format!("ready:{}", char::from(digit)),
            other => panic!("unknown key code {:?}", char::from(other)),
        }
    }
}

/// The value of a string key: a task's parsed header, then its payload.
fn shown_value(key: &str, value: &[u8]) -> String {
    if key.starts_with("t:") {
        shown_record(value)
    } else {
        readable(value)
    }
}

/// Length of a header, LF included.
pub(crate) const HEADER: usize = 56;

/// The parsed header of a task.
pub(crate) struct Header {
    /// Its state in a word.
    pub state: &'static str,
    numbers: Vec<(&'static str, u64)>,
}

/// The numbers of a header and how many base-36 digits each has.
const FIELDS: [(&str, usize); 12] = [
    ("p", 1),
    ("flags", 3),
    ("ghosts", 2),
    ("kind", 2),
    ("used", 3),
    ("deliveries", 3),
    ("lost", 2),
    ("worker", 4),
    ("lease", 6),
    ("fence", 11),
    ("due", 9),
    ("created", 6),
];

impl Header {
    /// Parses a header; fails the test when it is invalid.
    #[track_caller]
    pub(crate) fn read(bytes: &[u8]) -> Header {
        let header = std::str::from_utf8(bytes).expect("an ASCII header");
        assert!(header.ends_with('\n') && header.starts_with('1'), "{header:?}");
        let groups: Vec<usize> = header.trim_end().split(' ').map(str::len).collect();
        assert_eq!(groups, [18, 36], "{header:?}");
        let digits: String = header.chars().filter(|c| !c.is_whitespace()).collect();
        let state = match &digits[1..2] {
            "w" => "waiting",
            "c" => "claimed",
            "b" => "blocked",
            "d" => "dead",
            "f" => "done",
            "x" => "cancelled",
            "e" => "expired",
            "r" => "removed",
            other => panic!("unknown state {other}"),
        };
        let mut at = 2;
        let numbers = FIELDS.map(|(name, width)| {
            at += width;
            (name, u64::from_str_radix(&digits[at - width..at], 36).expect("base 36"))
        });
        Header {
            state,
            numbers: numbers.to_vec(),
        }
    }

    /// One of its numbers.
    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.numbers
            .iter()
            .find(|(known, _)| *known == name)
            .expect("a field of the header")
            .1
    }
}

/// A task's record, `<state> <nonzero fields by name> 'payload'`, without what depends on how fast a test runs: the
/// second of its creation, and the duration of its last run.
pub(crate) fn shown_record(record: &[u8]) -> String {
    let (header, payload) = record.split_at_checked(HEADER).expect("a whole header");
    let header = Header::read(header);
    let mut out = header.state.to_string();
    for (name, number) in header.numbers.iter().filter(|(_, number)| *number != 0) {
        if *name != "created" && (*name != "lease" || header.state == "claimed") {
            out.push_str(&format!(" {name}={number}"));
        }
    }
    if payload.is_empty() {
        out
    } else {
        format!("{out} '{}'", readable(payload))
    }
}

#[test]
fn a_record_is_read_as_the_format_says() {
    let read = |record| effects("q", record, &mut Strings::new());
    assert_eq!(read(b"1R5\x02\x02a\x04b b"), ["rpush ready:5 [a, b b]"]);
    assert_eq!(
        read(b"1R5\x01\x02aN\x01rP7\x02\x00\x02bXt\x00"),
        ["rpush ready:5 [a]", "of r", "lpop ready:7 [a, b]", "del t:b"]
    );
    assert_eq!(read(b"1Zc\x01\x03\x02i"), ["zadd claimed [-2 i]"]);
    assert_eq!(read(b"1MdD\x09d"), ["rename dead drop:9:dead"]);
    assert_eq!(
        read(b"1Iv\x05\x00\x07\x01\x04type\x02upBm\x01\x01a"),
        ["xadd events 5-0 most 7 [type up]", "hdel members [a]"]
    );
    let header = b"1c500001000010020a 000300000z0000000000z00000000a000001\nhi";
    assert_eq!(
        shown_record(header),
        "claimed p=5 ghosts=1 used=1 deliveries=2 lost=10 worker=3 lease=35 fence=35 due=10 'hi'"
    );
}
