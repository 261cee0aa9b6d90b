//! What a call that schedules asks for.

/// The payload and the options of TASK.SCHEDULE that the checker knows.
#[derive(Clone, Default)]
pub(super) struct Wishes {
    pub payload: String,
    pub id: Option<String>,
    pub delay: i64,
    pub group: Option<String>,
    pub unique: Option<String>,
    pub to: Option<String>,
    pub after: Vec<String>,
    /// Runs also when one of those fails.
    pub run_on_failure: bool,
    pub replies: bool,
    pub retained: bool,
    pub expires: bool,
    /// May have been one that was there before.
    pub replaces: bool,
}

impl Wishes {
    /// Reads the words after the queue.
    pub(super) fn read(words: &[&str]) -> Wishes {
        let mut words = words.iter().copied();
        let mut wishes = Wishes {
            payload: words.next().expect("a payload").into(),
            ..Wishes::default()
        };
        while let Some(word) = words.next() {
            match word {
                "ID" => wishes.id = words.next().map(String::from),
                "DELAY" => wishes.delay = number(words.next()),
                "GROUP" => wishes.group = words.next().map(String::from),
                "UNIQUE" => wishes.unique = words.next().map(String::from),
                "TO" => wishes.to = words.next().map(String::from),
                "REPLY" => wishes.replies = words.next().is_some(),
                "RETAIN" => wishes.retained = words.next().is_some(),
                "EXPIRE" => wishes.expires = words.next().is_some(),
                "REPLACE" => wishes.replaces = true,
                "AFTER" => {
                    let count = number(words.next());
                    wishes.after = (0..count).filter_map(|_| words.next()).map(String::from).collect();
                }
                "ONFAIL" => wishes.run_on_failure = words.next() == Some("RUN"),
                "PRIORITY" | "LEASE" => drop(words.next()),
                "BACKOFF" => drop((words.next(), words.next())),
                "MISSINGOK" => {}
                other => panic!("the checker does not know {other}"),
            }
        }
        wishes
    }

    /// Whether it joins the line of its group at once.
    pub(super) fn is_plain(&self) -> bool {
        self.delay == 0 && self.after.is_empty() && !self.replaces
    }
}

fn number(word: Option<&str>) -> i64 {
    word.and_then(|word| word.parse().ok()).expect("a number")
}
