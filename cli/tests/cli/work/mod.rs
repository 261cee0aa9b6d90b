//! `steward work`.

mod alive;
mod ends;
mod http;
mod lost;
mod payloads;
mod stopping;
mod storm;

use std::collections::HashMap;

use redis::{FromRedisValue, Value, cmd};

use crate::support::{Running, Server, Stage, steward, wait_until};

/// A server, a folder in which programs run, and what tests ask of tasks.
struct Shop {
    server: Server,
    stage: Stage,
}

impl Shop {
    fn open() -> Shop {
        Shop {
            server: Server::start(),
            stage: Stage::new(),
        }
    }

    /// Starts `steward work` with these words, the last of them a script.
    fn work(&self, words: &[&str], script: &str) -> Running {
        self.work_at(&self.server.url(), words, script)
    }

    fn work_at(&self, url: &str, words: &[&str], script: &str) -> Running {
        let words = [&["work"], words, &["--", "sh", "-c", script]].concat();
        let mut command = steward(&words);
        command.env("REDIS_URL", url).current_dir(self.stage.file(""));
        Running::start(command.stdout(std::process::Stdio::piped()))
    }

    /// Schedules a task of the queue q that is kept when it is done.
    fn add(&self, id: &str, payload: &[u8]) {
        self.add_with(id, payload, &[]);
    }

    fn add_with(&self, id: &str, payload: &[u8], options: &[&str]) {
        let mut command = cmd("TASK.SCHEDULE");
        command
            .arg("q")
            .arg(payload)
            .arg("ID")
            .arg(id)
            .arg("RETAIN")
            .arg(3_600_000);
        command.arg(options);
        let _: Value = command.query(&mut self.server.client()).unwrap();
    }

    fn task(&self, id: &str) -> HashMap<String, Value> {
        let found: Option<HashMap<String, Value>> = self.server.call(&format!("TASK.GET q {id}"));
        found.unwrap_or_default()
    }

    fn field<T: FromRedisValue>(&self, id: &str, name: &str) -> T {
        let field = self.task(id).remove(name).unwrap_or(Value::Nil);
        redis::from_redis_value(field).unwrap()
    }

    #[track_caller]
    fn wait_for(&self, id: &str, state: &str) {
        wait_until(state, || {
            self.field::<Option<String>>(id, "state").as_deref() == Some(state)
        });
    }
}
