//! What we and the guardian tell each other: frames of one letter and two numbers.

use std::io::{self, Read, Write};
use std::time::Duration;

use super::clock::Moment;

const LENGTH: usize = 17;

/// When the program is to be gone unless we say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fuse {
    /// When it gets TERM.
    pub term: Moment,
    /// When it and its descendants get KILL.
    pub kill: Moment,
}

impl Fuse {
    /// TERM at 60 % and KILL at 85 % of the time after which another may do what the program does; or KILL at 60 %.
    pub(crate) fn within(time: Duration, from: Moment, kills_at_once: bool) -> Fuse {
        let term = from.after(time * 60 / 100);
        let kill = from.after(time * 85 / 100);
        Fuse {
            term,
            kill: if kills_at_once { term } else { kill },
        }
    }
}

/// From us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A new fuse, in place of the one before.
    Fuse(Fuse),
    /// A signal for the program.
    Signal(i32),
    /// Kill everything.
    Kill,
}

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Code(u8),
    Signal(u8),
}

impl End {
    /// What a shell makes of it.
    pub(crate) fn code(self) -> u8 {
        match self {
            End::Code(code) => code,
            End::Signal(signal) => signal.saturating_add(128),
        }
    }
}

/// From the guardian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The program runs, with this number.
    Started(u32),
    /// It could not be executed, for this reason of errno.
    NotStarted(i32),
    /// The fuse has blown: it gets TERM.
    Blown,
    /// It has ended; its descendants may not have.
    Ended(End),
    /// Nothing of it is left.
    Gone,
}

impl Order {
    pub(super) fn write(self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&match self {
            Order::Fuse(Fuse { term, kill }) => frame(b'f', term.nanos(), kill.nanos()),
            Order::Signal(signal) => frame(b's', signal.unsigned_abs().into(), 0),
            Order::Kill => frame(b'k', 0, 0),
        })
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Order> {
        let (letter, first, second) = parse(from)?;
        Ok(match letter {
            b'f' => Order::Fuse(Fuse {
                term: Moment::of_nanos(first),
                kill: Moment::of_nanos(second),
            }),
            b's' => Order::Signal(i32::try_from(first).unwrap_or(0)),
            _ => Order::Kill,
        })
    }
}

impl Report {
    pub(super) fn write(self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&match self {
            Report::Started(pid) => frame(b'p', pid.into(), 0),
            Report::NotStarted(errno) => frame(b'n', errno.unsigned_abs().into(), 0),
            Report::Blown => frame(b'b', 0, 0),
            Report::Ended(End::Code(code)) => frame(b'e', code.into(), 0),
            Report::Ended(End::Signal(signal)) => frame(b'e', 0, signal.into()),
            Report::Gone => frame(b'g', 0, 0),
        })
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Report> {
        let (letter, first, second) = parse(from)?;
        let byte = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
        Ok(match letter {
            b'p' => Report::Started(u32::try_from(first).unwrap_or(0)),
            b'n' => Report::NotStarted(i32::try_from(first).unwrap_or(0)),
            b'b' => Report::Blown,
            b'e' if second > 0 => Report::Ended(End::Signal(byte(second))),
            b'e' => Report::Ended(End::Code(byte(first))),
            _ => Report::Gone,
        })
    }
}

fn frame(letter: u8, first: u64, second: u64) -> [u8; LENGTH] {
    let mut frame = [letter; LENGTH];
    let numbers = first.to_ne_bytes().into_iter().chain(second.to_ne_bytes());
    frame
        .iter_mut()
        .skip(1)
        .zip(numbers)
        .for_each(|(place, byte)| *place = byte);
    frame
}

fn parse(from: &mut impl Read) -> io::Result<(u8, u64, u64)> {
    let (mut letter, mut first, mut second) = ([0; 1], [0; 8], [0; 8]);
    from.read_exact(&mut letter)?;
    from.read_exact(&mut first)?;
    from.read_exact(&mut second)?;
    Ok((letter[0], u64::from_ne_bytes(first), u64::from_ne_bytes(second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fuse_is_over_before_the_time_is() {
        let (from, time) = (Moment::of_nanos(1_000), Duration::from_nanos(100));
        let fuse = Fuse::within(time, from, false);
        assert_eq!(
            (fuse.term, fuse.kill),
            (Moment::of_nanos(1_060), Moment::of_nanos(1_085))
        );
        let fuse = Fuse::within(time, from, true);
        assert_eq!(
            (fuse.term, fuse.kill),
            (Moment::of_nanos(1_060), Moment::of_nanos(1_060))
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let fuse = Fuse {
            term: Moment::of_nanos(7),
            kill: Moment::of_nanos(u64::MAX),
        };
        for order in [Order::Fuse(fuse), Order::Signal(15), Order::Kill] {
            let mut bytes = Vec::new();
            order.write(&mut bytes).unwrap();
            assert_eq!(Order::read(&mut &bytes[..]).unwrap(), order);
        }
        for report in [
            Report::Started(4711),
            Report::NotStarted(2),
            Report::Blown,
            Report::Ended(End::Code(255)),
            Report::Ended(End::Code(0)),
            Report::Ended(End::Signal(9)),
            Report::Gone,
        ] {
            let mut bytes = Vec::new();
            report.write(&mut bytes).unwrap();
            assert_eq!(Report::read(&mut &bytes[..]).unwrap(), report);
        }
        assert_eq!(End::Signal(15).code(), 143);
    }
}
