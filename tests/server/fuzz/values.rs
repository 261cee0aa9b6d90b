//! Values for arguments: mostly such as mean something, some that are hostile.

use crate::support::{Random, Value};

/// The names of queues and services that are used.
pub(super) const NAMES: [&str; 4] = ["q", "r", "{t}s", "{q}replies"];

/// What replies have told.
#[derive(Default)]
pub(super) struct Values {
    ids: Vec<Vec<u8>>,
    /// Tokens and epochs.
    numbers: Vec<i64>,
}

impl Values {
    /// Learns the ids, tokens and epochs of a reply.
    pub(super) fn learn(&mut self, reply: &Value) {
        match reply {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Map(pairs) => {
                for (key, value) in pairs {
                    match (key.to_string().as_str(), value) {
                        ("'token'" | "'epoch'", Value::Int(number)) => self.numbers.push(*number),
                        ("'id'", Value::Bulk(id)) => self.ids.push(id.clone()),
                        _ => self.learn(value),
                    }
                }
            }
            Value::Bulk(id) if id.len() == 11 => self.ids.push(id.clone()),
            _ => {}
        }
        let (ids, numbers) = (self.ids.len().saturating_sub(30), self.numbers.len().saturating_sub(30));
        self.ids.drain(..ids);
        self.numbers.drain(..numbers);
    }

    /// A value for an argument of this name.
    pub(super) fn of(&self, name: &str, random: &mut Random) -> Vec<u8> {
        if random.once_in(12) {
            return self.hostile(random);
        }
        let small = random.below(60);
        match name {
            "queue" | "parent-queue" | "service" => random.pick(&NAMES).to_string(),
            "worker" | "member" | "candidate" | "leader" => format!("w{}", random.below(4)),
            "id" => return self.id(random),
            "token" | "epoch" if !self.numbers.is_empty() => random.pick(&self.numbers).to_string(),
            "ms" => (small * small / 10).to_string(),
            "n" | "percent" => small.to_string(),
            "base-ms" => small.to_string(),
            "unix-ms" => (crate::support::unix_ms() + small as i64 - 20).to_string(),
            "priority" => random.below(10).to_string(),
            "cursor" => "0".into(),
            "glob" => "*".into(),
            "pid" | "start" | "numfields" => (1 + random.below(5)).to_string(),
            "key" | "name" | "group" => format!("k{}", random.below(6)),
            "word" => random.pick(&["quiet", "stop", "none", "rotate"]).to_string(),
            "expression" => random
                .pick(&["* * * * * *", "*/2 * * * *", "@hourly", "0 0 29 2 *"])
                .to_string(),
            "zone" => random.pick(&["UTC", "Europe/Paris", "America/New_York"]).to_string(),
            "command" => random
                .pick(&["SET", "INCR", "TASK.SCHEDULE", "TASK.CLAIM", "TASK.ACK", "HB.FENCED"])
                .to_string(),
            "value" => random
                .pick(&["0", "1", "5", "100", "10/1000", "FIXED 5", "q", "{t}s"])
                .to_string(),
            "arg" => random.pick(&["q", "{s}x", "1", "w1"]).to_string(),
            _ => format!("{name}-{small}"),
        }
        .into_bytes()
    }

    fn id(&self, random: &mut Random) -> Vec<u8> {
        if self.ids.is_empty() || random.once_in(2) {
            format!("t{}", random.below(40)).into_bytes()
        } else {
            random.pick(&self.ids).clone()
        }
    }

    /// A value that no good client would send.
    pub(super) fn hostile(&self, random: &mut Random) -> Vec<u8> {
        const TEXTS: [&[u8]; 34] = [
            b"",
            b" ",
            b"*",
            b"{",
            b"}",
            b"{}",
            b"{}q",
            b"[",
            b"\\",
            b"\0",
            b"\r\n",
            b"\t",
            b"\xff\xfe",
            b"\xed\xa0\x80",
            b"%s%n",
            b"q:t:a",
            b":",
            b"0",
            b"-0",
            b"-1",
            b"+1",
            b"01",
            b" 1",
            b"1 ",
            b"1.5",
            b"1e5",
            b"0x10",
            b"nan",
            b"inf",
            b"1000",
            b"1001",
            b"{\"id\":1}",
            b"'; DROP",
            b"ID",
        ];
        const NUMBERS: [i128; 12] = [
            i64::MAX as i128,
            i64::MIN as i128,
            i64::MAX as i128 + 1,
            u64::MAX as i128,
            i32::MAX as i128,
            i32::MAX as i128 + 1,
            (1 << 53) - 1,
            1 << 53,
            3_153_600_000_000,
            3_153_600_000_001,
            u32::MAX as i128,
            1_700_000_000_000,
        ];
        match random.below(8) {
            0..=3 => random.pick(&TEXTS).to_vec(),
            4 | 5 => random.pick(&NUMBERS).to_string().into_bytes(),
            6 => (0..random.below(20)).map(|_| random.number() as u8).collect(),
            _ => vec![b'x'; *random.pick(&[255, 256, 257, 4_096, 70_000])],
        }
    }
}
