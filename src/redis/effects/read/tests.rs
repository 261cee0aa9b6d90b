//! Effects round-trip, and damaged ones do no harm.

use super::*;
use crate::context::Context;
use crate::keyspace::fake::Fake;
use crate::redis::effects::EffectLog;

fn write(op: &Op<'_>, name: &Name, effects: &mut EffectLog) {
    let key = |place| Key { name, place };
    match op {
        Op::Set(place, value) => _ = effects.op(b'S', key(*place)).pieces(value, &[]),
        Op::SetStart(place, start) => _ = effects.op(b'H', key(*place)).text(start),
        Op::Del(place) => _ = effects.op(b'X', key(*place)),
        Op::Rename(from, to) => _ = effects.op(b'M', key(*from)).key(key(*to)),
        Op::Push(place, ids) => _ = effects.op(b'R', key(*place)).list(ids),
        Op::PushFront(place, ids) => _ = effects.op(b'L', key(*place)).list(ids),
        Op::Pop(place, count) => (0..*count).for_each(|_| effects.pop(key(*place))),
        Op::Remove(place, positions) => {
            effects.op(b'E', key(*place)).count(positions.len());
            for position in positions {
                effects.count(*position);
            }
        }
        Op::Add(place, members) => {
            effects.op(b'Z', key(*place)).count(members.len());
            for (score, id) in members {
                effects.score(*score).text(id);
            }
        }
        Op::Rem(place, ids) => _ = effects.op(b'Y', key(*place)).list(ids),
        Op::RemLowest(place, count) => _ = effects.op(b'V', key(*place)).count(*count),
        Op::SetFields(place, fields) => {
            effects.op(b'A', key(*place)).count(fields.len());
            for (field, value) in fields {
                effects.text(field).text(value);
            }
        }
        Op::DelFields(place, fields) => _ = effects.op(b'B', key(*place)).list(fields),
        Op::Append(place, (ms, number), most, fields) => {
            effects.op(b'I', key(*place)).number(*ms).number(*number).count(*most);
            effects.count(fields.len());
            for (field, value) in fields {
                effects.text(field).text(value);
            }
        }
    }
}

/// Draws from a small set, so that operations hit the same keys.
struct Draw(Context, u64);

impl Draw {
    fn below(&mut self, end: i64) -> i64 {
        self.1 += 1;
        self.0.draw(self.1, end - 1)
    }
    fn id(&mut self) -> &'static [u8] {
        [b"a" as &[u8], b"", b"\0\xff\r\n", &[b'x'; 300]][self.below(4) as usize]
    }
    fn ids(&mut self) -> Vec<&'static [u8]> {
        (0..=self.below(3)).map(|_| self.id()).collect()
    }
    fn sorted(&mut self) -> Place<'static> {
        let number = self.below(3) as u64 * 1_000_000_007;
        [
            Index::Scheduled.place(),
            Index::Claimed.place(),
            Place::Dropped(number, Index::Dead),
            Place::Once(Part::Candidates),
            Place::Of(Part::Group, b"a"),
            Place::Of(Part::After, b"a"),
            Place::Of(Part::To, b"a"),
            Index::Targeted.place(),
        ][self.below(8) as usize]
    }
    fn list(&mut self) -> Place<'static> {
        Place::Ready(self.below(10) as u8)
    }
    fn hash(&mut self) -> Place<'static> {
        let hashes = [
            Place::Once(Part::Queue),
            Place::Once(Part::Workers),
            Place::Of(Part::Options, b"a"),
            Place::Once(Part::Service),
            Place::Once(Part::Members),
        ];
        hashes[self.below(5) as usize]
    }
    fn op(&mut self) -> Op<'static> {
        match self.below(14) {
            0 => Op::Set(Place::Of(Part::Task, self.id()), self.id()),
            1 => Op::SetStart(Place::Of(Part::Task, self.id()), self.id()),
            2 => Op::Del(self.sorted()),
            3 => Op::Rename(self.list(), Place::Dropped(5, Index::Ready(5))),
            4 => Op::Push(self.list(), self.ids()),
            5 => Op::PushFront(self.list(), self.ids()),
            6 => Op::Pop(self.list(), 1 + self.below(3) as u64),
            7 => Op::Remove(self.list(), (0..self.below(3) as usize).collect()),
            8 => {
                let score = [0, -1, i64::MIN, i64::MAX, 1 << 53][self.below(5) as usize];
                Op::Add(self.sorted(), self.ids().into_iter().map(|id| (score, id)).collect())
            }
            9 => Op::Rem(self.sorted(), self.ids()),
            10 => Op::RemLowest(self.sorted(), self.below(3) as usize),
            11 => Op::SetFields(self.hash(), self.ids().into_iter().map(|id| (id, self.id())).collect()),
            12 => {
                let fields = self.ids().into_iter().map(|id| (id, self.id())).collect();
                Op::Append(Place::Once(Part::Events), (self.1, 0), 3, fields)
            }
            _ => Op::DelFields(self.hash(), self.ids()),
        }
    }
}

fn draw(seed: u64) -> Draw {
    let context = Context {
        wall: crate::time::Wall(0),
        wall_us: 0,
        steady: crate::time::Steady(0),
        config: crate::config::ModuleConfig::default(),
        chance: seed,
        memory_full: false,
    };
    Draw(context, 0)
}

#[test]
fn a_record_does_what_was_done() {
    let name = Name::new(0, b"mail").unwrap();
    for seed in 0..200 {
        let mut draw = draw(seed);
        let (mut here, mut there) = (Fake::default(), Fake::default());
        for _ in 0..20 {
            let mut effects = EffectLog::default();
            for _ in 0..draw.below(6) {
                let op = draw.op();
                let _ = run(&op, &name, &mut here);
                write(&op, &name, &mut effects);
            }
            if !effects.bytes().is_empty() {
                apply(effects.bytes(), &name, &mut there).unwrap();
            }
            assert_eq!(here.keys, there.keys, "seed {seed}");
        }
    }
}

#[test]
fn a_damaged_record_does_nothing_and_no_harm() {
    let name = Name::new(0, b"mail").unwrap();
    for seed in 0..2_000 {
        let mut draw = draw(seed);
        let mut effects = EffectLog::default();
        for _ in 0..3 {
            write(&draw.op(), &name, &mut effects);
        }
        let mut bytes = effects.bytes().to_vec();
        if bytes.is_empty() {
            continue;
        }
        let at = draw.below(bytes.len() as i64) as usize;
        match draw.below(3) {
            0 => bytes.truncate(at),
            1 => bytes[at] = draw.below(256) as u8,
            _ => bytes.insert(at, 0xff),
        }
        let mut keys = Fake::default();
        if apply(&bytes, &name, &mut keys).is_err() {
            assert!(keys.keys.is_empty());
        }
    }
    let mut keys = Fake::default();
    assert_eq!(apply(b"1", &name, &mut keys), Ok(Applied::default()));
    assert_eq!(apply(b"2Xq", &name, &mut keys), Err(Unreadable::Version));
    assert_eq!(apply(b"", &name, &mut keys), Err(Unreadable::Version));
    assert_eq!(apply(b"1S", &name, &mut keys), Err(Unreadable::Malformed));
    assert_eq!(
        apply(b"1Rs\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &name, &mut keys),
        Err(Unreadable::Malformed)
    );
    // Positions that turn round, and a stream of more entries than can be counted.
    for record in [
        b"1E5\x03\x02\x01\x02".as_slice(),
        b"1E5\x02\x01\x01",
        b"1Iv\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x01a\x01b",
    ] {
        let shown = record.escape_ascii();
        assert_eq!(apply(record, &name, &mut keys), Err(Unreadable::Malformed), "{shown}");
    }
    assert!(apply(b"1E5\x02\x01\x03", &name, &mut keys).is_ok());
}

#[test]
fn what_was_derived_from_the_changed_keys_is_told() {
    let name = Name::new(0, b"mail").unwrap();
    for (key, queue, service) in [
        (name.task(b"id"), false, false),
        (name.queue(), true, false),
        (name.dropped(7, Index::Dead), true, false),
        (name.members(), false, true),
        (name.events(), false, false),
    ] {
        let mut effects = EffectLog::default();
        effects.op(b'X', key);
        let refused = 0;
        let applied = Applied {
            refused,
            queue,
            service,
        };
        assert_eq!(apply(effects.bytes(), &name, &mut Fake::default()), Ok(applied));
    }
}

#[test]
fn the_format_is_this() {
    let name = Name::new(0, b"mail").unwrap();
    let mut effects = EffectLog::default();
    effects.pop(name.ready(5));
    effects.pop(name.ready(5));
    effects.op(b'H', name.task(b"id")).text(b"start");
    effects
        .op(b'Z', name.index(Index::Claimed))
        .count(1)
        .score(-2)
        .text(b"id");
    effects.op(b'M', name.ready(0)).key(name.dropped(300, Index::Ready(0)));
    effects.pop(name.ready(6));
    assert_eq!(
        effects.bytes(),
        b"1P5\x02Ht\x02id\x05startZc\x01\x03\x02idM0D\xac\x020P6\x01"
    );
}
