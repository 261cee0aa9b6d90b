//! The record of a task: one short line of fixed width, then the payload, byte for byte.
//!
//! ```text
//! 1w5000000000000000 0000000000hz3f8k2m1ab0mk3v9a2q3jnk5s\n<payload>
//! ││││  │ │ │  │  │  │   │     │          │        └ created, s since 2020 (6)
//! ││││  │ │ │  │  │  │   │     │          └ due, wall ms; once it has ended, when that was (9)
//! ││││  │ │ │  │  │  │   │     └ fence: birth number until claimed, then the token of the last claim (11)
//! ││││  │ │ │  │  │  │   └ lease of the claim, ms (6); zzzzzz: as long as its worker is a member;
//! ││││  │ │ │  │  │  │     otherwise how long the last run took
//! ││││  │ │ │  │  │  └ number of the worker that has claimed it (4)
//! ││││  │ │ │  │  └ times lost (2)
//! ││││  │ │ │  └ deliveries (3)
//! ││││  │ │ └ attempts used up (3)
//! ││││  │ └ kind: a number of the queue's table of kinds; 0: none; 1001: see its options (2)
//! ││││  └ ghosts: bit p, the ready list of priority p still has an id of this task that does not count (2)
//! │││└ flags (3)
//! ││└ priority
//! │└ state
//! └ version
//! ```
//!
//! Numbers are base 36. No more than 56 bytes: with 57 a task of 100 bytes needs the allocator's next size class.
//!
//! # Another format
//!
//! Servers of both versions read the same data while an upgrade rolls, and after a failover or a downgrade the older
//! one may be the primary. It does not touch a record that it cannot read, and keeps its id where it is
//! (`index::later`). So that it can tell such a record from a foreign value, every version begins with its digit and
//! has at least 56 bytes of ASCII.
//!
//! - A new flag or state: add it here. Earlier versions take the record for one of a later version, as they would treat
//!   the task wrongly. What they may ignore becomes a field of the options or of `x` instead.
//! - Another layout: the next digit is `VERSION`, the drawing, `read` and `write` are changed, and what `read` did
//!   becomes `read_1`, called for records of the version before; what it does not have gets a default. Records are
//!   written in the new layout when something else of them changes, never all at once. Every width that grows is paid
//!   for by another one, or the length is measured again (`bench`, memory per task).
//! - In both cases `tests/server/tasks/formats.rs` gets a record of the version before and one of the version after.

use crate::config::MAX_ATTEMPTS;
use crate::names::PRIORITIES;
use crate::time::{MAX_LEASE, Ms, SECOND, Steady, Wall};

/// Length of the header, its LF included.
pub(crate) const HEADER_LEN: usize = 56;
/// The version this module reads and writes.
const VERSION: u8 = b'1';

/// 2020-01-01, from which the moment of creation counts.
pub(crate) const EPOCH: Wall = Wall(1_577_836_800_000);

/// It has a hash of extra fields.
pub(crate) const WITH_OPTIONS: u16 = 1;
/// It has a unique key.
pub(crate) const UNIQUE: u16 = 2;
/// It belongs to a group, of which only so many run at a time.
pub(crate) const GROUPED: u16 = 4;
/// It is dropped unless claimed in time (EXPIRE).
pub(crate) const EXPIRES: u16 = 8;
/// It has its own RETAIN.
pub(crate) const RETAINED: u16 = 16;
/// Other tasks wait for its end.
pub(crate) const AWAITED: u16 = 32;
/// The task was cancelled while claimed; it is removed when the claim ends.
pub(crate) const CANCELLED: u16 = 64;
/// It is for one worker alone.
pub(crate) const TARGETED: u16 = 128;
/// Its end becomes a task of another queue.
pub(crate) const REPLIES: u16 = 256;

/// Of the tasks that wait for its end, some are of other queues.
pub(crate) const AWAITED_OUTSIDE: u16 = 512;

/// All flags of this version.
const FLAGS: u16 = 1_023;
const _: () = assert!(FLAGS == (AWAITED_OUTSIDE << 1) - 1, "AWAITED_OUTSIDE is the last flag");

/// The lease of a claim that lasts as long as its worker is a member of the queue's service: the largest number of
/// six base-36 digits, beyond the longest lease.
pub(crate) const WITH_MEMBER: Ms = 36_i64.pow(6) - 1;
const _: () = assert!(WITH_MEMBER > MAX_LEASE);
const _: () = assert!(MAX_ATTEMPTS < 36_i64.pow(3), "attempts have three digits");

/// Where a task is. *Waiting* is scheduled or ready: the scheduled set says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskState {
    /// Scheduled or ready.
    Waiting,
    /// Claimed by a worker.
    Claimed,
    /// Waits for other tasks, or for its turn in its group.
    Blocked,
    /// Ended without success.
    Dead,
    /// Ended with success and kept.
    Done,
    /// Cancelled and kept.
    Cancelled,
    /// Not claimed in time and kept.
    Expired,
    /// Not a task any more; the header stays until no ready list has its id.
    Removed,
}

impl TaskState {
    /// Whether it is that of a task that has ended for good and is kept for RETAIN.
    pub(crate) fn is_kept(self) -> bool {
        matches!(self, TaskState::Done | TaskState::Cancelled | TaskState::Expired)
    }
}

const STATES: [(TaskState, u8); 8] = [
    (TaskState::Waiting, b'w'),
    (TaskState::Claimed, b'c'),
    (TaskState::Blocked, b'b'),
    (TaskState::Dead, b'd'),
    (TaskState::Done, b'f'),
    (TaskState::Cancelled, b'x'),
    (TaskState::Expired, b'e'),
    (TaskState::Removed, b'r'),
];

/// Why a header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// A record of a later version, or one with a flag or a state of a later version: this version must not touch it.
    Later,
    /// Something else.
    Foreign,
}

/// The header of a task, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Where the task is.
    pub state: TaskState,
    /// 0, the most urgent, to 9.
    pub priority: u8,
    /// Its flags: `WITH_OPTIONS`, `CANCELLED` and so on.
    pub flags: u16,
    /// Bit p: the ready list of priority p has an id of this task that does not count.
    pub ghosts: u16,
    /// A number of the queue's table of kinds; 0 for none, 1001 for one that has no number.
    pub kind: u16,
    /// Attempts used up; the one that runs is not among them.
    pub attempts: u64,
    /// Times it was claimed.
    pub deliveries: u64,
    /// Claims lost.
    pub lost: u64,
    /// Number of the worker that has claimed it; 0 for none.
    pub worker: u32,
    /// Length of the present claim's lease, ms, or `WITH_MEMBER`; while it is not claimed, how long the last run took.
    pub lease: Ms,
    /// Birth number until claimed, then the token of the last claim.
    pub fence: u64,
    /// When it is due; once it has ended, when that was.
    pub due: Wall,
    /// When it was created, to the second.
    pub created: Wall,
}

impl Header {
    /// A task that was never claimed.
    pub(crate) fn new(fence: u64, due: Wall, priority: u8, created: Wall) -> Header {
        Header {
            state: TaskState::Waiting,
            priority,
            flags: 0,
            ghosts: 0,
            kind: 0,
            attempts: 0,
            deliveries: 0,
            lost: 0,
            worker: 0,
            lease: 0,
            fence,
            due,
            created: Wall(created.0 - created.0 % SECOND),
        }
    }

    /// Reads the header of a record.
    pub(crate) fn read(bytes: &[u8]) -> Result<Header, Unreadable> {
        let header: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(Unreadable::Foreign)?;
        match Header::fields(header) {
            Some(header) if header.flags & !FLAGS == 0 => Ok(header),
            Some(_) => Err(Unreadable::Later),
            None => Err(Header::unreadable(header)),
        }
    }

    fn fields(header: &[u8; HEADER_LEN]) -> Option<Header> {
        let [VERSION, letter, counts @ .., b'\n'] = header else {
            return None;
        };
        let state = STATES.iter().find(|(_, known)| known == letter)?.0;
        // The space is no digit either.
        let (counts, [b' ', claim @ ..]) = counts.split_first_chunk::<16>()? else {
            return None;
        };
        let claim = claim.first_chunk::<36>()?;
        if !(all_digits(counts) & all_digits(claim)) {
            return None;
        }
        let mut from = Reader(counts);
        let priority = u8::try_from(from.number::<1>()?).ok().filter(|p| *p < PRIORITIES)?;
        let flags = u16::try_from(from.number::<3>()?).ok()?;
        let ghosts = u16::try_from(from.number::<2>()?).ok();
        let ghosts = ghosts.filter(|mask| *mask < 1 << PRIORITIES)?;
        let kind = u16::try_from(from.number::<2>()?).ok()?;
        let (attempts, deliveries, lost) = (from.number::<3>()?, from.number::<3>()?, from.number::<2>()?);
        let mut from = Reader(claim);
        let worker = u32::try_from(from.number::<4>()?).ok()?;
        let lease = from.ms::<6>()?;
        let fence = from.number::<11>()?;
        let due = Wall(from.ms::<9>()?);
        let created = EPOCH.after(from.ms::<6>()? * SECOND);
        Some(Header {
            state,
            priority,
            flags,
            ghosts,
            kind,
            attempts,
            deliveries,
            lost,
            worker,
            lease,
            fence,
            due,
            created,
        })
    }

    /// Tells a header of a later version from foreign bytes, when the fields are not those of this version.
    fn unreadable(header: &[u8; HEADER_LEN]) -> Unreadable {
        let is_text = header.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n'));
        let is_later = match header {
            [VERSION, state, rest @ ..] => {
                let known = STATES.iter().any(|(_, letter)| letter == state);
                // All but the state is as this version has it.
                let mut same = [b'0'; HEADER_LEN];
                let [version, letter, tail @ ..] = &mut same;
                (*version, *letter) = (VERSION, b'w');
                tail.copy_from_slice(rest);
                !known && value(*state) != NO_DIGIT && Header::fields(&same).is_some()
            }
            [version, ..] => value(*version) != NO_DIGIT,
        };
        if is_text && is_later {
            Unreadable::Later
        } else {
            Unreadable::Foreign
        }
    }

    /// The header's bytes. Counts that outgrow their digits stay at the largest.
    pub(crate) fn write(&self) -> [u8; HEADER_LEN] {
        let state = STATES.iter().find(|(state, _)| *state == self.state);
        let mut header = [b'0'; HEADER_LEN];
        let mut to = Writer(&mut header);
        to.byte(VERSION);
        to.byte(state.map_or(b'r', |(_, letter)| *letter));
        to.number::<1>(u64::from(self.priority));
        to.number::<3>(u64::from(self.flags));
        to.number::<2>(u64::from(self.ghosts));
        to.number::<2>(u64::from(self.kind));
        to.number::<3>(self.attempts);
        to.number::<3>(self.deliveries);
        to.number::<2>(self.lost);
        to.byte(b' ');
        to.number::<4>(u64::from(self.worker));
        to.ms::<6>(self.lease);
        to.number::<11>(self.fence);
        to.ms::<9>(self.due.0);
        to.ms::<6>(self.created.since(EPOCH) / SECOND);
        to.byte(b'\n');
        header
    }

    /// The moment of the present or last claim; `None` if it was never claimed.
    pub(crate) fn claimed_at(&self) -> Option<Wall> {
        (self.deliveries > 0).then(|| self.fence_at())
    }

    /// The moment at which its fence was given out.
    fn fence_at(&self) -> Wall {
        Wall(Ms::try_from(self.fence / 1_000).unwrap_or(Ms::MAX))
    }

    /// How long the present claim has lasted, ms.
    pub(crate) fn run(&self, now: Wall) -> Ms {
        now.since(self.fence_at()).clamp(0, WITH_MEMBER - 1)
    }

    /// Records how long the present claim has lasted, if there is one, before the task leaves that state.
    pub(crate) fn end_run(&mut self, now: Wall) {
        if self.state == TaskState::Claimed {
            self.lease = self.run(now);
        }
        self.worker = 0;
    }

    /// Moves the task to the state in which it ends, now.
    pub(crate) fn end(&mut self, state: TaskState, now: Wall) {
        self.end_run(now);
        self.state = state;
        self.due = now;
    }

    /// Whether this flag is set.
    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// Whether it has all of these flags.
    pub(crate) fn has_all(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }
    /// Whether the ready list of this priority has an id of this task that does not count.
    pub(crate) fn is_ghost(&self, priority: u8) -> bool {
        self.ghosts & (1 << priority) != 0
    }
    /// Length of the present claim's lease, ms; `None` when it lasts as long as its member.
    pub(crate) fn lease(&self) -> Option<Ms> {
        (self.lease != WITH_MEMBER).then_some(self.lease)
    }
    /// When the present claim ends if it began now, as the claimed set has it.
    pub(crate) fn deadline(&self, now: Steady) -> Steady {
        self.lease().map_or(Steady::NEVER, |lease| now.after(lease))
    }
    /// The number of the attempt that runs, or ran last.
    pub(crate) fn attempt(&self) -> u64 {
        self.attempts + u64::from(self.state == TaskState::Claimed)
    }
}

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Every two digits: a header is written with every step of a task, and half as many divisions are half the time.
static PAIRS: [[u8; 2]; 1_296] = {
    let mut pairs = [[b'0'; 2]; 1_296];
    let mut value = 0;
    while value < pairs.len() {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            pairs[value] = [DIGITS[value / 36], DIGITS[value % 36]];
        }
        value += 1;
    }
    pairs
};

/// What stands for a byte that is no base-36 digit.
const NO_DIGIT: u8 = 255;

/// The value of every byte as a base-36 digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            values[DIGITS[value] as usize] = value as u8;
        }
        value += 1;
    }
    values
};

/// The value of a byte as a base-36 digit, or `NO_DIGIT`.
fn value(byte: u8) -> u8 {
    VALUES.get(usize::from(byte)).copied().unwrap_or(NO_DIGIT)
}

/// Whether these are base-36 digits alone. Without a branch, so that the compiler compares sixteen at a time.
#[inline(always)]
fn all_digits<const WIDTH: usize>(field: &[u8; WIDTH]) -> bool {
    let is_digit = |byte: u8| (byte.wrapping_sub(b'0') < 10) | (byte.wrapping_sub(b'a') < 26);
    field.iter().fold(true, |all, &byte| all & is_digit(byte))
}

/// Reads fields of known widths one after the other, all of them digits; no number is wider than 11 digits, which fit in
/// 64 bits.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    #[inline(always)]
    fn take<const WIDTH: usize>(&mut self) -> Option<&'a [u8; WIDTH]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(field)
    }
    #[inline(always)]
    fn number<const WIDTH: usize>(&mut self) -> Option<u64> {
        let field = self.take::<WIDTH>()?;
        // Most fields of most headers.
        if *field == [b'0'; WIDTH] {
            return Some(0);
        }
        let digit = |byte: &u8| u64::from(value(*byte));
        Some(field.iter().fold(0, |number, byte| number * 36 + digit(byte)))
    }
    #[inline(always)]
    fn ms<const WIDTH: usize>(&mut self) -> Option<Ms> {
        self.number::<WIDTH>().map(u64::cast_signed)
    }
}

/// Writes fields of known widths one after the other, over zeros.
struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    #[inline(always)]
    fn take<const WIDTH: usize>(&mut self) -> Option<&mut [u8; WIDTH]> {
        let (field, rest) = std::mem::take(&mut self.0).split_first_chunk_mut()?;
        self.0 = rest;
        Some(field)
    }
    #[inline(always)]
    fn byte(&mut self, byte: u8) {
        if let Some(field) = self.take() {
            *field = [byte];
        }
    }
    #[inline(always)]
    fn number<const WIDTH: usize>(&mut self, number: u64) {
        let mut rest = number.min(const { 36_u64.pow(WIDTH as u32) - 1 });
        let Some(field) = self.take::<WIDTH>() else {
            return;
        };
        let (first, pairs) = field.as_rchunks_mut();
        for pair in pairs.iter_mut().rev() {
            if rest == 0 {
                return;
            }
            *pair = PAIRS.get((rest % 1_296) as usize).copied().unwrap_or(*b"00");
            rest /= 1_296;
        }
        if let [digit] = first {
            *digit = DIGITS.get(rest as usize).copied().unwrap_or(b'0');
        }
    }
    #[inline(always)]
    fn ms<const WIDTH: usize>(&mut self, ms: Ms) {
        self.number::<WIDTH>(u64::try_from(ms).unwrap_or(0));
    }
}

/// The id that stands for a birth number: 11 characters of base32hex (RFC 4648), in the numbers' order.
pub(crate) fn generated_id(number: u64) -> [u8; 11] {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let mut id = [b'0'; 11];
    let mut rest = number;
    for slot in id.iter_mut().rev() {
        *slot = DIGITS.get((rest % 32) as usize).copied().unwrap_or(b'0');
        rest /= 32;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: Wall = Wall(1_763_700_000_000);

    #[test]
    fn what_is_written_is_read() {
        let mut header = Header::new(1_763_700_000_123_456, Wall(1_763_700_000_123), 9, CREATED);
        for (state, _) in STATES {
            header.state = state;
            header.flags = 0x3ff;
            header.ghosts = 0x3ff;
            header.kind = 1_295;
            header.attempts = 46_655;
            header.lost = 1_295;
            header.worker = 35;
            header.lease = 2_000_000_000;
            let bytes = header.write();
            assert_eq!(Header::read(&bytes), Ok(header.clone()));
            assert_eq!(bytes.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn the_header_is_the_documented_line() {
        let mut header = Header::new(35, Wall(36), 5, EPOCH.after(37_999));
        header.kind = 2;
        assert_eq!(
            std::str::from_utf8(&header.write()).unwrap(),
            "1w5000000200000000 00000000000000000000z000000010000011\n"
        );
    }

    #[test]
    fn counts_stay_at_the_largest_they_can_show() {
        let mut header = Header::new(0, Wall(0), 0, CREATED);
        header.attempts = u64::MAX;
        assert_eq!(Header::read(&header.write()).unwrap().attempts, 46_655);
    }

    #[test]
    fn an_end_has_its_moment_and_the_length_of_the_last_run() {
        let mut header = Header::new(5_000_000, Wall(5), 0, CREATED);
        assert_eq!(header.claimed_at(), None);
        header.deliveries = 1;
        assert_eq!(header.claimed_at(), Some(Wall(5_000)));
        for (now, run) in [(5_250, 250), (4_000, 0), (i64::MAX, WITH_MEMBER - 1)] {
            header.state = TaskState::Claimed;
            header.end(TaskState::Dead, Wall(now));
            assert_eq!((header.due, header.lease, header.fence), (Wall(now), run, 5_000_000));
        }
        header.lease = 7;
        header.end(TaskState::Dead, Wall(9_000));
        assert_eq!((header.due, header.lease), (Wall(9_000), 7), "it did not run any more");
    }

    #[test]
    fn foreign_bytes_are_no_header() {
        let good = Header::new(1, Wall(1), 5, CREATED).write();
        assert_eq!(Header::read(&good[..55]), Err(Unreadable::Foreign));
        for at in 0..HEADER_LEN {
            for byte in [b'?', 0, 0xff] {
                let mut bad = good;
                bad[at] = byte;
                assert_eq!(Header::read(&bad), Err(Unreadable::Foreign), "byte {at}");
            }
        }
        assert_eq!(Header::read(&[0; 80]), Err(Unreadable::Foreign));
    }

    #[test]
    fn another_version_an_unknown_flag_and_an_unknown_state_are_of_a_later_version() {
        let good = Header::new(1, Wall(1), 5, CREATED).write();
        for (at, byte) in [(0, b'2'), (0, b'z'), (1, b'y'), (1, b'7'), (3, b'1')] {
            let mut later = good;
            later[at] = byte;
            assert_eq!(Header::read(&later), Err(Unreadable::Later), "byte {at}");
            later[20] = 0;
            assert_eq!(Header::read(&later), Err(Unreadable::Foreign), "byte {at}, and no text");
        }
        let mut longer = [&good[..55], b"00 more\npayload"].concat();
        longer[0] = b'2';
        assert_eq!(Header::read(&longer), Err(Unreadable::Later));
    }

    #[test]
    fn generated_ids_are_ordered_as_their_numbers() {
        let mut last = generated_id(1_763_700_000_000_000);
        for step in [1, 31, 32, 1_000, 1 << 40] {
            let next = generated_id(1_763_700_000_000_000 + step);
            assert!(next > last);
            last = next;
        }
        assert_eq!(&generated_id(33), b"00000000011");
    }
}
