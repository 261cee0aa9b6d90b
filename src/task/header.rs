//! The record of a task: one short line of fixed width, then the payload, byte for byte.
//!
//! ```text
//! 1w5000000 0000000000 0000000000 hz3f8k2m1ab 0mk3v9a2q\n<payload>
//! ││││  │   │   │   │  │   │      │           └ due, wall ms (9)
//! ││││  │   │   │   │  │   │      └ fence: birth number until claimed, then the token; when done, when (11)
//! ││││  │   │   │   │  │   └ lease of the claim, ms (6); zzzzzz: as long as its worker is a member
//! ││││  │   │   │   │  └ number of the worker that holds it (4)
//! ││││  │   │   │   └ times lost (2)
//! ││││  │   │   └ deliveries (4)
//! ││││  │   └ attempts used up (4)
//! ││││  └ ghosts: bit p, the ready list of priority p still has an id of this task that does not count (3)
//! │││└ flags (3)
//! ││└ priority
//! │└ state
//! └ version
//! ```
//!
//! Numbers are base 36. At most 56 bytes: with 57 a task of 100 bytes needs the allocator's next size class.

use crate::names::PRIORITIES;
use crate::time::{MAX_LEASE, Ms, Steady, Wall};

/// Length of the header, its LF included.
pub(crate) const HEADER: usize = 54;
/// The version this module reads and writes.
const VERSION: u8 = b'1';

/// There is a hash of extra fields.
pub(crate) const EXTRA: u16 = 1;
/// It holds a unique key.
pub(crate) const UNIQUE: u16 = 2;
/// It belongs to a group, of which only so many run at a time.
pub(crate) const GROUPED: u16 = 4;
/// It is dropped when nobody claims it in time.
pub(crate) const EXPIRES: u16 = 8;
/// It says itself how long it is kept when it is done.
pub(crate) const RETAINED: u16 = 16;
/// Other tasks wait for its end.
pub(crate) const AWAITED: u16 = 32;
/// The task was cancelled while claimed; it goes when the claim ends.
pub(crate) const CANCELLED: u16 = 64;
/// It is for one worker alone.
pub(crate) const TARGETED: u16 = 128;
/// Its end becomes a task of another queue.
pub(crate) const REPLIES: u16 = 256;

/// The lease of a claim that lasts as long as its worker is a member of the queue's service: the largest number of
/// six base-36 digits, beyond the longest lease.
pub(crate) const WITH_MEMBER: Ms = 36_i64.pow(6) - 1;
const _: () = assert!(WITH_MEMBER > MAX_LEASE);

/// Where a task is. *Waiting* is scheduled or ready: the sorted set of scheduled tasks tells which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskState {
    /// Scheduled or ready.
    Waiting,
    /// Held by a worker.
    Claimed,
    /// Waits for other tasks, or for its turn in its group.
    Blocked,
    /// Ended without success.
    Dead,
    /// Ended with success and kept.
    Done,
    /// No task any more; the header stays until no ready list holds its id.
    Removed,
}

const STATES: [(TaskState, u8); 6] = [
    (TaskState::Waiting, b'w'),
    (TaskState::Claimed, b'c'),
    (TaskState::Blocked, b'b'),
    (TaskState::Dead, b'd'),
    (TaskState::Done, b'f'),
    (TaskState::Removed, b'r'),
];

/// The header of a task, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Where the task is.
    pub state: TaskState,
    /// 0, the most urgent, to 9.
    pub priority: u8,
    /// What else there is to this task (`EXTRA`, `CANCELLED`, and those of later versions).
    pub flags: u16,
    /// Bit p: the ready list of priority p has an id of this task that does not count.
    pub ghosts: u16,
    /// Attempts used up; the one that runs is not among them.
    pub attempts: u64,
    /// Claims handed out.
    pub deliveries: u64,
    /// Claims lost.
    pub lost: u64,
    /// Number of the worker that holds it; 0 for none.
    pub worker: u32,
    /// Length of the present claim's lease, ms, or `WITH_MEMBER`; 0 while nobody holds it.
    pub lease: Ms,
    /// Birth number until claimed, then the token of the last claim; once done, that moment in µs.
    pub fence: u64,
    /// When it is, or was, due.
    pub due: Wall,
}

impl Record {
    /// A task that was never claimed.
    pub(crate) fn new(fence: u64, due: Wall, priority: u8) -> Record {
        Record {
            state: TaskState::Waiting,
            priority,
            flags: 0,
            ghosts: 0,
            attempts: 0,
            deliveries: 0,
            lost: 0,
            worker: 0,
            lease: 0,
            fence,
            due,
        }
    }

    /// Reads a header; `None` when it is not one of this version.
    pub(crate) fn read(bytes: &[u8]) -> Option<Record> {
        let header: &[u8; HEADER] = bytes.first_chunk()?;
        let mut at = Reader { bytes: header, from: 0 };
        if at.take(1)? != [VERSION] {
            return None;
        }
        let letter = *at.take(1)?.first()?;
        let state = STATES.iter().find(|(_, known)| *known == letter)?.0;
        let priority = u8::try_from(at.number(1)?).ok().filter(|p| *p < PRIORITIES)?;
        let flags = u16::try_from(at.number(3)?).ok()?;
        let ghosts = u16::try_from(at.number(3)?)
            .ok()
            .filter(|mask| *mask < 1 << PRIORITIES)?;
        at.skip(b' ')?;
        let (attempts, deliveries, lost) = (at.number(4)?, at.number(4)?, at.number(2)?);
        at.skip(b' ')?;
        let worker = u32::try_from(at.number(4)?).ok()?;
        let lease = i64::try_from(at.number(6)?).ok()?;
        at.skip(b' ')?;
        let fence = at.number(11)?;
        at.skip(b' ')?;
        let due = Wall(i64::try_from(at.number(9)?).ok()?);
        at.skip(b'\n')?;
        Some(Record {
            state,
            priority,
            flags,
            ghosts,
            attempts,
            deliveries,
            lost,
            worker,
            lease,
            fence,
            due,
        })
    }

    /// The header's bytes. Counts that outgrow their digits stay at the largest.
    pub(crate) fn write(&self) -> [u8; HEADER] {
        let letter = STATES
            .iter()
            .find(|(state, _)| *state == self.state)
            .map_or(b'r', |(_, letter)| *letter);
        let mut header = [b'0'; HEADER];
        let mut at = Writer {
            bytes: &mut header,
            to: 0,
        };
        at.put(VERSION);
        at.put(letter);
        at.number(u64::from(self.priority), 1);
        at.number(u64::from(self.flags), 3);
        at.number(u64::from(self.ghosts), 3);
        at.put(b' ');
        at.number(self.attempts, 4);
        at.number(self.deliveries, 4);
        at.number(self.lost, 2);
        at.put(b' ');
        at.number(u64::from(self.worker), 4);
        at.number(u64::try_from(self.lease).unwrap_or(0), 6);
        at.put(b' ');
        at.number(self.fence, 11);
        at.put(b' ');
        at.number(u64::try_from(self.due.0).unwrap_or(0), 9);
        at.put(b'\n');
        header
    }

    /// Whether this flag is set.
    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
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

/// What stands for a byte that is no base-36 digit.
const NO_DIGIT: u8 = 255;

/// The value of every byte as a base-36 digit.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 36 {
        let byte = if value < 10 { b'0' + value } else { b'a' + value - 10 };
        #[allow(clippy::indexing_slicing, reason = "evaluated when compiled")]
        {
            digits[byte as usize] = value;
        }
        value += 1;
    }
    digits
};

struct Reader<'a> {
    bytes: &'a [u8],
    from: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, width: usize) -> Option<&'a [u8]> {
        let bytes = self.bytes.get(self.from..self.from + width)?;
        self.from += width;
        Some(bytes)
    }
    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.take(1)? == [byte]).then_some(())
    }
    /// No field is wider than 11 digits, which fit.
    fn number(&mut self, width: usize) -> Option<u64> {
        let mut number = 0;
        let mut largest = 0;
        for &byte in self.take(width)? {
            let digit = DIGITS.get(usize::from(byte)).copied().unwrap_or(NO_DIGIT);
            largest = digit.max(largest);
            number = number * 36 + u64::from(digit);
        }
        (largest != NO_DIGIT).then_some(number)
    }
}

struct Writer<'a> {
    bytes: &'a mut [u8; HEADER],
    to: usize,
}

impl Writer<'_> {
    fn put(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.to) {
            *slot = byte;
        }
        self.to += 1;
    }
    fn number(&mut self, number: u64, width: u32) {
        let mut rest = number;
        if number > 0 {
            rest = number.min(36_u64.saturating_pow(width) - 1);
        }
        let end = self.to + width as usize;
        for slot in self.bytes.get_mut(self.to..end).into_iter().flatten().rev() {
            if rest == 0 {
                break;
            }
            let digit = (rest % 36) as u8;
            *slot = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
            rest /= 36;
        }
        self.to = end;
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

    #[test]
    fn what_is_written_is_read() {
        let mut record = Record::new(1_763_700_000_123_456, Wall(1_763_700_000_123), 9);
        for (state, _) in STATES {
            record.state = state;
            record.flags = 0x3ff;
            record.ghosts = 0x3ff;
            record.attempts = 1_679_615;
            record.lost = 1_295;
            record.worker = 35;
            record.lease = 2_000_000_000;
            let header = record.write();
            assert_eq!(Record::read(&header), Some(record.clone()));
            assert_eq!(header.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn the_header_is_the_documented_line() {
        let record = Record::new(35, Wall(36), 5);
        assert_eq!(
            std::str::from_utf8(&record.write()).unwrap(),
            "1w5000000 0000000000 0000000000 0000000000z 000000010\n"
        );
    }

    #[test]
    fn counts_stay_at_the_largest_they_can_show() {
        let mut record = Record::new(0, Wall(0), 0);
        record.attempts = u64::MAX;
        assert_eq!(Record::read(&record.write()).unwrap().attempts, 1_679_615);
    }

    #[test]
    fn foreign_bytes_are_no_record() {
        let good = Record::new(1, Wall(1), 5).write();
        assert!(Record::read(&good[..53]).is_none());
        for at in 0..HEADER {
            let mut bad = good;
            bad[at] = b'?';
            assert_eq!(Record::read(&bad), None, "byte {at}");
        }
        let mut later = good;
        later[0] = b'2';
        assert_eq!(Record::read(&later), None);
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
