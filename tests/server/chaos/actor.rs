//! The clients of a round: many connections, served one after the other, so that a seed decides what they call.

use super::checker::Checker;
use super::fault::World;
use super::member::Member;
use super::producer::Producer;
use super::worker::Worker;
use crate::support::{Client, Random, Value};

/// What a client does.
pub(super) trait Part {
    /// What it calls next; None: it dies without a word, and another one takes its place.
    fn next(&mut self, random: &mut Random, shared: &mut Shared) -> Option<String>;
    /// It got a reply.
    fn told(&mut self, words: &str, reply: &Value);
    /// It has a new connection.
    fn reconnected(&mut self);
}

/// What the clients know of each other.
#[derive(Default)]
pub(super) struct Shared {
    /// How many tasks and batches were made.
    pub made: usize,
}

impl Shared {
    /// An id that was used not long ago.
    pub(super) fn id(&self, random: &mut Random) -> String {
        let recent = self.made.min(40);
        format!("t{}", self.made - random.below(recent + 1))
    }
}

struct Actor {
    /// The number of its connection.
    number: usize,
    client: Client,
    random: Random,
    pending: Option<(u64, String)>,
    part: Box<dyn Part>,
}

/// All clients.
pub(super) struct Crew {
    actors: Vec<Actor>,
    shared: Shared,
    random: Random,
    connections: usize,
}

impl Crew {
    /// Three producers, six workers and six members.
    pub(super) fn new(world: &World, random: &mut Random) -> Crew {
        let mut parts: Vec<Box<dyn Part>> = Vec::new();
        for number in 0..3 {
            parts.push(Box::new(Producer::default()));
            parts.push(Box::new(Worker::new(&format!("w{number}"), number)));
            parts.push(Box::new(Worker::new(&format!("nobody{number}"), 0)));
            parts.push(Box::new(Member::new("s", &format!("m{number}"))));
            parts.push(Box::new(Member::new("x", &format!("e{number}"))));
        }
        let mut actor = |(number, part): (usize, Box<dyn Part>)| Actor {
            number,
            client: world.client(),
            random: Random::of(random.number()),
            pending: None,
            part,
        };
        Crew {
            connections: parts.len(),
            actors: parts.into_iter().enumerate().map(&mut actor).collect(),
            shared: Shared::default(),
            random: Random::of(random.number()),
        }
    }

    /// Runs until so many replies were read.
    #[track_caller]
    pub(super) fn run(&mut self, world: &World, checker: &mut Checker, replies: usize) {
        let mut read = 0;
        let mut idle = 0;
        while read < replies {
            let at = self.random.below(self.actors.len());
            let actor = &mut self.actors[at];
            if actor.pending.is_some() && actor.client.is_silent() {
                idle += 1;
                if idle > self.actors.len() * 2 {
                    std::thread::sleep(std::time::Duration::from_micros(100));
                }
                continue;
            }
            idle = 0;
            if actor.read(checker) {
                read += 1;
                if world.replicas() > 0 && actor.random.once_in(4) {
                    actor.send(checker, "WAIT 1 100".into());
                    continue;
                }
            }
            match actor.part.next(&mut actor.random, &mut self.shared) {
                Some(words) => actor.send(checker, words),
                None => {
                    actor.reconnect(world, self.connections);
                    self.connections += 1;
                }
            }
        }
    }

    /// Reads the replies that are still to come from a server that is gone, or no primary any more.
    pub(super) fn hang_up(&mut self, checker: &mut Checker) {
        for actor in &mut self.actors {
            actor.read(checker);
        }
    }

    /// Connects to the new primary.
    pub(super) fn reconnect(&mut self, world: &World) {
        for actor in &mut self.actors {
            actor.reconnect(world, self.connections);
            self.connections += 1;
        }
    }
}

impl Actor {
    fn send(&mut self, checker: &mut Checker, words: String) {
        let call = checker.send(self.number, &words);
        let _ = self.client.try_send(&words);
        self.pending = Some((call, words));
    }

    /// Reads the reply to its call, if it has made one; false when it has not.
    fn read(&mut self, checker: &mut Checker) -> bool {
        let Some((call, words)) = self.pending.take() else {
            return false;
        };
        match self.client.try_receive() {
            Ok(Value::Error(text))
                if ["UNBLOCKED", "READONLY", "LOADING"]
                    .iter()
                    .any(|code| text.starts_with(code)) =>
            {
                checker.lose(call);
            }
            Ok(reply) => {
                checker.receive(call, &reply);
                self.part.told(&words, &reply);
            }
            Err(_) => checker.lose(call),
        }
        true
    }

    fn reconnect(&mut self, world: &World, number: usize) {
        self.client = world.client();
        self.number = number;
        self.pending = None;
        self.part.reconnected();
    }
}
