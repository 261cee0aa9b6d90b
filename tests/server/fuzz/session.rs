//! A server with a replica, and the clients that call it.

use std::time::{Duration, Instant};

use super::grammar::Grammar;
use super::values::{NAMES, Values};
use crate::support::recovery::settled;
use crate::support::{Client, Random, Server, Value, indexes, wait_until};

/// How many connections call, and how many more may wait for something.
const CALLERS: usize = 4;
const WAITING: usize = 8;

/// How long a reply may take that is not waited for.
const PATIENCE: Duration = Duration::from_millis(4);

pub(super) struct Session {
    primary: Server,
    replica: Server,
    grammar: Grammar,
    values: Values,
    callers: Vec<Client>,
    waiting: Vec<Client>,
    /// The calls of this burst, to be shown when something is wrong.
    calls: Vec<String>,
    answers: usize,
    errors: usize,
    /// Tasks that were there when the indexes were checked.
    checked: usize,
}

impl Session {
    #[track_caller]
    pub(super) fn start() -> Session {
        let builder = Server::builder().set("steward.lease", "50").set("steward.ttl", "200");
        let aof = builder.clone().append_always().set("appendfsync", "no");
        let primary = aof.listening().set("steward.timer", "no").start();
        let replica = primary.replica_with(builder);
        let mut client = primary.client();
        let grammar = Grammar::of(&mut client);
        client.must("CONFIG SET steward.timer yes");
        Session {
            primary,
            replica,
            grammar,
            values: Values::default(),
            callers: Vec::new(),
            waiting: Vec::new(),
            calls: Vec::new(),
            answers: 0,
            errors: 0,
            checked: 0,
        }
    }

    /// So many calls.
    #[track_caller]
    pub(super) fn burst(&mut self, random: &mut Random, calls: usize) {
        self.calls.clear();
        self.callers = (0..CALLERS).map(|_| self.primary.client()).collect();
        for _ in 0..calls {
            let at = random.below(CALLERS);
            match random.below(20) {
                0 => {
                    self.call(at, &[b"MULTI".to_vec()]);
                    for _ in 0..1 + random.below(4) {
                        let words = self.grammar.call(random, &self.values);
                        self.call(at, &words);
                    }
                    self.call(at, &[b"EXEC".to_vec()]);
                }
                1 => {
                    let mut words = ["EVAL", "return redis.call(unpack(ARGV))", "0"].map(Vec::from).to_vec();
                    words.extend(self.grammar.call(random, &self.values));
                    self.call(at, &words);
                }
                2 if random.once_in(4) => self.callers[at] = self.primary.client(),
                _ => {
                    let words = self.grammar.call(random, &self.values);
                    self.call(at, &words);
                }
            }
        }
    }

    /// Calls, and reads the reply unless the call waits.
    #[track_caller]
    fn call(&mut self, at: usize, words: &[Vec<u8>]) {
        let shown: Vec<String> = words.iter().map(|word| word.escape_ascii().to_string()).collect();
        self.calls.push(format!("{at}: {}", shown.join(" ")));
        let client = &mut self.callers[at];
        client.send_args(words);
        let start = Instant::now();
        let may_wait = words.iter().any(|word| word.eq_ignore_ascii_case(b"BLOCK"));
        while may_wait && client.is_silent() {
            if start.elapsed() > PATIENCE {
                let client = std::mem::replace(client, self.primary.client());
                self.waiting.push(client);
                if self.waiting.len() > WAITING {
                    self.waiting.remove(0);
                }
                return;
            }
        }
        let reply = client.receive();
        self.answers += 1;
        self.errors += usize::from(reply.is_error());
        self.values.learn(&reply);
        let is_internal = matches!(&reply, Value::Error(text) if text.contains("internal"));
        assert!(!is_internal, "{reply}");
    }

    /// Checks what must hold whatever was called.
    #[track_caller]
    pub(super) fn check(&mut self) {
        self.callers.clear();
        self.waiting.clear();
        let mut client = self.primary.client();
        wait_until("all that was dropped is swept", || {
            client.must("PING");
            !client.keys().iter().any(|key| key.contains(":drop:"))
        });
        let digest = settled(&mut client);
        for name in NAMES {
            self.checked += indexes::check(&mut client, name).len();
        }
        self.replica.follows(&self.primary);
        assert_eq!(self.replica.client().digest(), digest, "the replica has other data");
        for server in [&self.primary, &self.replica] {
            let log = server.log();
            let signs = ["panicked", "Sanitizer", "malformed", "BUG REPORT"];
            assert!(
                !signs.iter().any(|sign| log.contains(sign)),
                "the log tells of something bad"
            );
        }
        client.must("CONFIG SET steward.timer yes");
    }

    /// Kills the server and compares what comes back.
    #[track_caller]
    pub(super) fn restart(&mut self) {
        let digest = settled(&mut self.primary.client());
        self.primary.kill_9();
        self.primary.start_again(&[]);
        let mut client = self.primary.client();
        assert_eq!(client.digest(), digest, "the append-only file has other data");
        // So that it does not grow for ever, and the next one begins with what was rewritten.
        client.must("BGREWRITEAOF");
        client.must("CONFIG SET steward.timer yes");
    }

    /// Ends the servers in order, so that a sanitizer looks for leaks.
    #[track_caller]
    pub(super) fn end(&mut self) {
        self.replica.stop();
        self.primary.stop();
    }

    /// How much was called.
    pub(super) fn counts(&self) -> String {
        let Session { answers, errors, .. } = self;
        format!(
            "{answers} answers, {errors} of them errors; {} tasks compared",
            self.checked
        )
    }

    /// Whether much was called, and answered without an error.
    pub(super) fn was_worth_it(&self) -> bool {
        self.answers > 500 && self.errors * 2 < self.answers && self.checked > 20
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the calls of the last burst:\n{}", self.calls.join("\n"));
        }
    }
}
