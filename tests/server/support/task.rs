//! Shorthands for commands on a queue.

use super::client::Client;
use super::value::Value;

impl Client {
    /// TASK.SCHEDULE; returns the id.
    #[track_caller]
    pub(crate) fn schedule(&mut self, words: &str) -> String {
        self.must(&format!("TASK.SCHEDULE {words}")).text()
    }

    /// TASK.CLAIM of one task; returns its id and token.
    #[track_caller]
    pub(crate) fn claim(&mut self, words: &str) -> (String, i64) {
        let reply = self.must(&format!("TASK.CLAIM {words}"));
        let [task] = reply.items() else {
            panic!("one task, not {reply}")
        };
        (task.field("id").text(), task.field("token").int())
    }

    /// One number of TASK.STATS.
    #[track_caller]
    pub(crate) fn stat(&mut self, queue: &str, name: &str) -> i64 {
        self.must(&format!("TASK.STATS {queue}")).field(name).int()
    }

    /// The number of tasks in each nonempty state: `ready 2 claimed 1`.
    #[track_caller]
    pub(crate) fn counts(&mut self, queue: &str) -> String {
        let stats = self.must(&format!("TASK.STATS {queue}"));
        let counts = ["scheduled", "ready", "claimed", "blocked", "done", "dead"].map(|state| {
            let count = stats.field(&format!("{state}_tasks")).int();
            if count == 0 {
                String::new()
            } else {
                format!("{state} {count}")
            }
        });
        counts
            .into_iter()
            .filter(|count| !count.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The ids TASK.LIST shows in a state, from the first to the last.
    #[track_caller]
    pub(crate) fn listed(&mut self, queue: &str, state: &str) -> Vec<String> {
        let mut ids = Vec::new();
        let mut cursor = "0".to_string();
        loop {
            let page = self.must(&format!("TASK.LIST {queue} {state} CURSOR {cursor}"));
            ids.extend(page.item(1).ids());
            cursor = page.item(0).text();
            if cursor == "0" {
                return ids;
            }
        }
    }

    /// Some fields of TASK.GET: `state 'ready', attempt 0`.
    #[track_caller]
    pub(crate) fn get(&mut self, queue: &str, id: &str, fields: &str) -> String {
        let task = self.must(&format!("TASK.GET {queue} {id}"));
        if task == Value::Null {
            return "gone".into();
        }
        let shown: Vec<String> = fields
            .split_whitespace()
            .map(|name| format!("{name} {}", task.field(name)))
            .collect();
        shown.join(", ")
    }

    /// Every key of the selected database, sorted.
    #[track_caller]
    pub(crate) fn keys(&mut self) -> Vec<String> {
        let mut keys: Vec<String> = self.must("KEYS *").items().iter().map(Value::text).collect();
        keys.sort();
        keys
    }

    /// DEBUG DIGEST.
    #[track_caller]
    pub(crate) fn digest(&mut self) -> String {
        self.must("DEBUG DIGEST").text()
    }
}
