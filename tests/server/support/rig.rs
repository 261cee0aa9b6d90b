//! A server whose replication stream is read, with symbolic names for what differs from run to run.

use std::collections::HashMap;

use super::{Client, Server, Stream, Value};

/// A server, a client and the stream. Tokens are shown as T1, T2, ... in the order of the replies that gave
/// them, other fences as F, times as MS, generated ids as I1, I2, ..., ids of
/// events as ID, hashes as SHA.
pub(crate) struct Rig {
    pub client: Client,
    stream: Stream,
    pub server: Server,
    names: HashMap<String, String>,
    tokens: usize,
}

impl Rig {
    pub(crate) fn start(timer: &str) -> Rig {
        let server = Server::builder().set("steward.timer", timer).start();
        let (client, stream) = (server.client(), Stream::of(&server));
        Rig {
            client,
            stream,
            server,
            names: HashMap::new(),
            tokens: 0,
        }
    }

    /// Runs a command and shows what was replicated, one line for each command of the stream.
    #[track_caller]
    pub(crate) fn sent(&mut self, words: &str) -> Vec<String> {
        let reply = self.client.must(words);
        self.learn(&reply);
        self.rest()
    }

    /// What was replicated meanwhile.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let lines = self.stream.take();
        lines.iter().map(|line| self.named(line)).collect()
    }

    /// Records the tokens and generated ids of a reply.
    pub(crate) fn learn(&mut self, reply: &Value) {
        let items = match reply {
            Value::Array(items) => items,
            Value::Map(_) => return self.learn_token(reply),
            _ => return,
        };
        for (at, item) in items.iter().enumerate() {
            match item {
                Value::Map(_) => self.learn_token(item),
                Value::Bulk(id) if id.len() == 11 => {
                    self.names.insert(item.text(), format!("I{}", at + 1));
                }
                _ => {}
            }
        }
    }

    /// Records the token of a claim or of a member, if there is one.
    fn learn_token(&mut self, map: &Value) {
        let Value::Map(pairs) = map else { return };
        let token = pairs.iter().find(|(key, _)| *key == "'token'").map(|(_, token)| token);
        if let Some(Value::Int(token)) = token {
            self.tokens += 1;
            self.names.insert(token.to_string(), format!("T{}", self.tokens));
        }
    }

    /// The token that is shown as `name`.
    pub(crate) fn token(&self, name: &str) -> String {
        self.names.iter().find(|(_, known)| *known == name).unwrap().0.clone()
    }

    fn named(&self, line: &str) -> String {
        let mut out = String::new();
        let mut word = String::new();
        for c in line.chars().chain([' ']) {
            if c.is_ascii_alphanumeric() {
                word.push(c);
                continue;
            }
            let number = word.bytes().all(|byte| byte.is_ascii_digit());
            match (self.names.get(&word), number, word.len()) {
                (Some(name), ..) => out.push_str(name),
                (None, true, 16) => out.push('F'),
                (None, true, 13) => out.push_str("MS"),
                (None, _, 64) => out.push_str("SHA"),
                _ => out.push_str(&word),
            }
            word.clear();
            out.push(c);
        }
        // The number of an event within its millisecond depends on how fast the server was.
        for number in 0..10 {
            out = out.replace(&format!("MS-{number} most"), "ID most");
        }
        out.trim_end().to_string()
    }
}
