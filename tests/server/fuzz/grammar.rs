//! The commands and their arguments, as COMMAND DOCS describes them.

use super::values::Values;
use crate::support::{Client, Random, Value};

/// All commands of the module.
pub(super) struct Grammar {
    commands: Vec<Command>,
    tokens: Vec<Vec<u8>>,
}

struct Command {
    words: Vec<Vec<u8>>,
    args: Vec<Arg>,
}

struct Arg {
    name: String,
    kind: Kind,
    token: Option<Vec<u8>>,
    is_optional: bool,
    repeats: bool,
}

enum Kind {
    /// A name, a text, an integer.
    Value,
    Token,
    OneOf(Vec<Arg>),
    Block(Vec<Arg>),
}

impl Grammar {
    /// Asks the server.
    #[track_caller]
    pub(super) fn of(client: &mut Client) -> Grammar {
        let names = client.must("COMMAND LIST FILTERBY MODULE steward");
        let mut names: Vec<String> = names.items().iter().map(Value::text).collect();
        // In an order that does not change, so that a seed means the same calls.
        names.sort();
        // What panics on request is for another test.
        names.retain(|name| name != "steward.contract");
        // So that there is something to work on.
        names.extend(["task.schedule", "task.claim"].repeat(8).into_iter().map(String::from));
        let commands: Vec<Command> = names.iter().map(|name| Command::of(client, name)).collect();
        let mut tokens = Vec::new();
        commands
            .iter()
            .for_each(|command| all_tokens(&command.args, &mut tokens));
        assert!(commands.len() > 40 && tokens.len() > 60, "{} commands", commands.len());
        Grammar { commands, tokens }
    }

    /// A call, right or a little wrong.
    pub(super) fn call(&self, random: &mut Random, values: &Values) -> Vec<Vec<u8>> {
        let command = random.pick(&self.commands);
        let mut words = command.words.clone();
        put_all(&command.args, random, values, &mut words);
        if random.once_in(4) {
            self.spoil(&mut words, random, values);
        }
        words
    }

    /// Leaves out a word, repeats one, puts another in its place, or changes its case.
    fn spoil(&self, words: &mut Vec<Vec<u8>>, random: &mut Random, values: &Values) {
        if words.len() < 2 {
            return;
        }
        let at = 1 + random.below(words.len() - 1);
        match random.below(6) {
            0 => drop(words.remove(at)),
            1 => words.insert(at, words[at].clone()),
            2 => words.insert(at, random.pick(&self.tokens).clone()),
            3 => words[at] = values.hostile(random),
            4 => words[at].make_ascii_lowercase(),
            _ => {
                let other = 1 + random.below(words.len() - 1);
                words.swap(at, other);
            }
        }
    }
}

impl Command {
    #[track_caller]
    fn of(client: &mut Client, name: &str) -> Command {
        let docs = client.must(&format!("COMMAND DOCS {name}"));
        let Value::Map(docs) = docs else { panic!("{docs}") };
        let args = docs.first().and_then(|(_, docs)| field(docs, "arguments"));
        Command {
            words: name.split('|').map(|word| word.as_bytes().to_vec()).collect(),
            args: args.map_or_else(Vec::new, |args| args.items().iter().map(Arg::of).collect()),
        }
    }
}

impl Arg {
    fn of(docs: &Value) -> Arg {
        let inner = || {
            let args = field(docs, "arguments").expect("the parts of an argument");
            args.items().iter().map(Arg::of).collect()
        };
        let flags = field(docs, "flags").map(Value::to_string).unwrap_or_default();
        Arg {
            name: docs.field("name").text(),
            kind: match docs.field("type").text().as_str() {
                "pure-token" => Kind::Token,
                "oneof" => Kind::OneOf(inner()),
                "block" => Kind::Block(inner()),
                _ => Kind::Value,
            },
            token: field(docs, "token").map(|token| token.text().into_bytes()),
            is_optional: flags.contains("optional"),
            repeats: flags.contains("multiple"),
        }
    }

    fn put(&self, random: &mut Random, values: &Values, words: &mut Vec<Vec<u8>>) {
        words.extend(self.token.clone());
        match &self.kind {
            Kind::Value => words.push(values.of(&self.name, random)),
            Kind::Token => {}
            Kind::OneOf(args) => random.pick(args).put(random, values, words),
            Kind::Block(args) => put_all(args, random, values, words),
        }
    }
}

/// A sequence of arguments. A number of things is that of those that follow.
fn put_all(args: &[Arg], random: &mut Random, values: &Values, words: &mut Vec<Vec<u8>>) {
    let mut number = None;
    for arg in args {
        if arg.is_optional && !random.once_in(4) {
            continue;
        }
        if arg.name.starts_with("num") && matches!(arg.kind, Kind::Value) {
            words.extend(arg.token.clone());
            number = Some(1 + random.below(4));
            words.push(number.unwrap_or(1).to_string().into_bytes());
            continue;
        }
        let times = if arg.repeats {
            number.take().unwrap_or_else(|| 1 + random.below(3))
        } else {
            1
        };
        (0..times).for_each(|_| arg.put(random, values, words));
    }
}

fn all_tokens(args: &[Arg], tokens: &mut Vec<Vec<u8>>) {
    for arg in args {
        tokens.extend(arg.token.clone());
        if let Kind::OneOf(inner) | Kind::Block(inner) = &arg.kind {
            all_tokens(inner, tokens);
        }
    }
}

fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(pairs) = map else { return None };
    pairs.iter().find(|(key, _)| key.text() == name).map(|(_, value)| value)
}
