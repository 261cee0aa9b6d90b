//! The time of a task has come: it is ready, unless its group has no turn for it yet.

use crate::keyspace::Answer;
use crate::names::Name;
use crate::settings::Settings;
use crate::task::ending::Went;
use crate::task::ready::{self, End};
use crate::task::record::{ADDRESSED, GROUPED, Record};
use crate::task::{addressed, blocked, group};
use crate::unit::Unit;

/// Makes a waiting task ready, or blocked. The caller writes the header afterwards.
pub fn arrive(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    end: End,
    settings: &Settings,
) -> Answer<Went> {
    if record.has(GROUPED) && !group::take_turn(unit, name, id, record, settings)? {
        blocked::block(unit, name, id, record)?;
        return Ok(Went::Blocked);
    }
    ready::push(unit, name, id, record, end)?;
    Ok(Went::Ready)
}

/// Nothing, when all that an arrival writes has its types.
pub fn expect(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) -> Answer<()> {
    if let Some(group) = group::of(unit, name, id, record) {
        group::expect(unit, name, &group)?;
    }
    if record.has(ADDRESSED) {
        addressed::expect_ready(unit, name)?;
    }
    ready::expect(unit, name, record.priority)
}
