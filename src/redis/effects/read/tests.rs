//! Effects round-trip, and damaged ones do no harm.

use super::*;
use crate::context::Context;
use crate::keyspace::fake::Fake;
use crate::redis::effects::EffectLog;

fn write(op: &Op<'_>, name: &Name, effects: &mut EffectLog) {
    let key = |place| Key { name, place };
    match op {
        Op::Set(place, value) => _ = effects.op(b'S', key(*place)).pieces(value, &[]),
        Op::TurnTo(_) => {}
        Op::Patch(place, changes) => {
            effects.op(b'H', key(*place)).count(changes.len());
            for (kept, new) in changes {
                effects.count(*kept).text(new);
            }
        }
        Op::Del(place) => _ = effects.op(b'X', key(*place)),
        Op::Rename(from, to) => _ = effects.op(b'M', key(*from)).key(key(*to)),
        Op::Push(place, ids) => _ = effects.op(b'R', key(*place)).ids(ids),
        Op::PushFront(place, ids) => _ = effects.op(b'L', key(*place)).ids(ids),
        Op::Pop(place, ids) => ids.iter().for_each(|id| effects.pop(key(*place), id)),
        Op::Remove(place, elements) => {
            effects.op(b'E', key(*place)).count(elements.len());
            for (position, id) in elements {
                effects.count(*position).id(id);
            }
        }
        Op::Add(place, members) => {
            effects.op(b'Z', key(*place)).count(members.len());
            for (score, id) in members {
                effects.score(*score).id(id);
            }
        }
        Op::Rem(place, ids) => _ = effects.op(b'Y', key(*place)).ids(ids),
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
        match self.below(13) {
            0 => Op::Set(Place::Of(Part::Task, self.id()), self.id()),
            1 => {
                let kept = self.below(3) as usize;
                Op::Patch(
                    Place::Of(Part::Task, self.id()),
                    vec![(kept, self.id()), (1, self.id())],
                )
            }
            2 => Op::Del(self.sorted()),
            3 => Op::Rename(self.list(), Place::Dropped(5, Index::Ready(5))),
            4 => Op::Push(self.list(), self.ids()),
            5 => Op::PushFront(self.list(), self.ids()),
            6 => Op::Pop(self.list(), self.ids()),
            7 => Op::Remove(self.list(), self.ids().into_iter().enumerate().collect()),
            8 => {
                let score = [0, -1, i64::MIN, i64::MAX, 1 << 53][self.below(5) as usize];
                Op::Add(self.sorted(), self.ids().into_iter().map(|id| (score, id)).collect())
            }
            9 => Op::Rem(self.sorted(), self.ids()),
            10 => Op::SetFields(self.hash(), self.ids().into_iter().map(|id| (id, self.id())).collect()),
            11 => {
                let fields = self.ids().into_iter().map(|id| (id, self.id())).collect();
                Op::Append(Place::Once(Part::Events), (self.1, 0), 3, fields)
            }
            _ => Op::DelFields(self.hash(), self.ids()),
        }
    }
}

fn draw(seed: u64) -> Draw {
    let context = Context {
        chance: seed,
        ..Context::default()
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
            let mut effects = EffectLog::new(&name, Vec::new());
            for _ in 0..draw.below(6) {
                let op = draw.op();
                let _ = run(&op, &name, &mut here);
                write(&op, &name, &mut effects);
            }
            apply(effects.bytes(), &name, &mut there).unwrap();
            assert_eq!(here.keys, there.keys, "seed {seed}");
        }
    }
}

#[test]
fn a_damaged_record_does_nothing_and_no_harm() {
    let name = Name::new(0, b"mail").unwrap();
    for seed in 0..2_000 {
        let mut draw = draw(seed);
        let mut effects = EffectLog::new(&name, Vec::new());
        for _ in 0..3 {
            write(&draw.op(), &name, &mut effects);
        }
        let mut bytes = effects.bytes().to_vec();
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
    assert!(apply(b"1", &name, &mut keys).is_ok());
    assert_eq!(apply(b"2Xq", &name, &mut keys), Err(Unreadable::Version));
    assert_eq!(apply(b"", &name, &mut keys), Err(Unreadable::Version));
    assert_eq!(apply(b"1S", &name, &mut keys), Err(Unreadable::Malformed));
    assert_eq!(
        apply(b"1Rs\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &name, &mut keys),
        Err(Unreadable::Malformed)
    );
    // Positions that turn round, and a stream of more entries than can be counted.
    for record in [
        b"1E5\x03\x02\x02a\x01\x02b\x02\x02c".as_slice(),
        b"1E5\x02\x01\x02a\x01\x02b",
        b"1Iv\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x01a\x01b",
        // A name with a brace, and bytes that stay without end.
        b"1N\x02a{Xq",
        b"1Ht\x02a\x01\xff\xff\x01\x01a",
    ] {
        let shown = record.escape_ascii();
        assert_eq!(apply(record, &name, &mut keys), Err(Unreadable::Malformed), "{shown}");
    }
    assert!(apply(b"1E5\x02\x01\x02a\x03\x02b", &name, &mut keys).is_ok());
}

#[test]
fn an_id_is_taken_from_where_it_stands_and_no_other_in_its_place() {
    let name = Name::new(0, b"mail").unwrap();
    let mut keys = Fake::default();
    keys.rpush(name.ready(5), &[b"other", b"a", b"b", b"c"]).unwrap();
    let mut effects = EffectLog::new(&name, Vec::new());
    effects.pop(name.ready(5), b"a");
    effects.pop(name.ready(5), b"unknown");
    effects.op(b'X', name.task(b"t"));
    effects.pop(name.ready(5), b"c");
    let applied = apply(effects.bytes(), &name, &mut keys).unwrap();
    assert_eq!(applied.refused, 1);
    assert_eq!(
        keys.lrange(name.ready(5), 0, 9).unwrap(),
        [b"other".to_vec(), b"b".to_vec()]
    );
}

#[test]
fn a_patch_has_what_changed() {
    let name = Name::new(0, b"mail").unwrap();
    for seed in 0..200 {
        let mut draw = draw(seed);
        let before: Vec<u8> = (0..56).map(|_| draw.below(3) as u8).collect();
        let mut after = before.clone();
        for _ in 0..draw.below(9) {
            after[draw.below(56) as usize] = 7;
        }
        let mut keys = Fake::default();
        keys.set(name.task(b"a"), &before, b"rest").unwrap();
        let mut effects = EffectLog::new(&name, Vec::new());
        effects.patch(name.task(b"a"), &before, &after);
        assert!(effects.bytes().len() <= 10 + 56 + 2 * 9);
        apply(effects.bytes(), &name, &mut keys).unwrap();
        assert_eq!(
            keys.get(name.task(b"a")).unwrap().unwrap(),
            [after, b"rest".to_vec()].concat()
        );
    }
}

#[test]
fn a_record_has_several_names() {
    let [mail, sms] = [b"mail", b"smsx"].map(|name| Name::new(0, name).unwrap());
    let mut effects = EffectLog::new(&mail, Vec::new());
    effects.op(b'R', mail.ready(5)).ids(&[b"a"]);
    effects.op(b'R', sms.ready(5)).ids(&[b"b"]);
    effects.op(b'A', sms.members()).count(1).text(b"m").text(b"1");
    effects.op(b'R', mail.ready(4)).ids(&[b"c"]);
    let mut keys = Fake::default();
    let applied = apply(effects.bytes(), &mail, &mut keys).unwrap();
    for (key, id) in [(mail.ready(5), "a"), (sms.ready(5), "b"), (mail.ready(4), "c")] {
        assert_eq!(keys.lrange(key, 0, 9).unwrap(), [id.as_bytes().to_vec()]);
    }
    let change = |name: &Name, members: &[&[u8]]| Change {
        name: name.clone(),
        queue: true,
        history: false,
        service: !members.is_empty(),
        members: members.iter().map(|name| name.to_vec()).collect(),
        any_member: false,
    };
    assert_eq!(applied.changes, [change(&mail, &[]), change(&sms, &[b"m"])]);
}

#[test]
fn what_was_derived_from_the_changed_keys_is_told() {
    let name = Name::new(0, b"mail").unwrap();
    for (key, queue, history, service) in [
        (name.task(b"id"), false, false, false),
        (name.queue(), true, false, false),
        (name.dropped(7, Index::Dead), true, false, false),
        (name.of_queue(Part::History), false, true, false),
        (name.members(), false, false, true),
        (name.events(), false, false, false),
    ] {
        let mut effects = EffectLog::new(&name, Vec::new());
        effects.op(b'X', key);
        let applied = apply(effects.bytes(), &name, &mut Fake::default()).unwrap();
        let [change] = applied.changes.as_slice() else {
            panic!("one name");
        };
        assert_eq!(
            (change.queue, change.history, change.service),
            (queue, history, service)
        );
    }
    let mut effects = EffectLog::new(&name, Vec::new());
    effects.op(b'A', name.members()).count(1).text(b"a").text(b"{}");
    effects.op(b'B', name.members()).list(&[b"b"]);
    effects.op(b'Y', name.candidates()).ids(&[b"c"]);
    effects.op(b'B', name.service()).list(&[b"leader"]);
    let applied = apply(effects.bytes(), &name, &mut Fake::default()).unwrap();
    let [change] = applied.changes.as_slice() else {
        panic!("one name");
    };
    assert!(change.service && !change.any_member);
    assert_eq!(
        change.members,
        ["a", "b", "c"].map(|name| name.as_bytes().to_vec()).into()
    );
}

#[test]
fn the_format_is_this() {
    let name = Name::new(0, b"mail").unwrap();
    let mut effects = EffectLog::new(&name, Vec::new());
    effects.pop(name.ready(5), b"no");
    effects.pop(name.ready(5), b"id");
    effects.patch(name.task(b"id"), b"1w34567890", b"1c34567x9y");
    effects
        .op(b'Z', name.index(Index::Claimed))
        .count(1)
        .score(-2)
        .id(b"id");
    effects.op(b'M', name.ready(0)).key(name.dropped(300, Index::Ready(0)));
    let other = Name::new(0, b"sms").unwrap();
    effects.pop(other.ready(6), b"id");
    effects.op(b'S', other.task(b"id")).pieces(b"he", b"ad");
    assert_eq!(
        effects.bytes(),
        b"1P5\x02\x03no\x03idHt\x00\x02\x01\x01c\x05\x03x9yZc\x01\x03\x00M0D\xac\x020N\x03smsP6\x01\x00St\x00\x04head"
    );
}
