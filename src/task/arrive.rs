//! The time of a task has come: it is ready, unless its group has no turn for it yet.

use crate::keyspace::Answer;
use crate::names::Name;
use crate::settings::Settings;
use crate::task::ending::Went;
use crate::task::ready::{self, End};
use crate::task::record::{ADDRESSED, Record};
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
    let group = group::of(unit, name, id, record);
    arrive_in(unit, name, id, record, group.as_deref(), end, settings)
}

/// The same for a task whose group the caller knows.
pub fn arrive_in(
    unit: &mut Unit<'_>,
    name: &Name,
    id: &[u8],
    record: &mut Record,
    group: Option<&str>,
    end: End,
    settings: &Settings,
) -> Answer<Went> {
    if let Some(group) = group
        && !group::take_turn(unit, name, id, group, settings)?
    {
        blocked::block(unit, name, id, record)?;
        return Ok(Went::Blocked);
    }
    ready::push(unit, name, id, record, end)?;
    Ok(Went::Ready)
}

/// Nothing, when all that an arrival writes has its types.
pub fn expect(unit: &mut Unit<'_>, name: &Name, id: &[u8], record: &Record) -> Answer<()> {
    let group = group::of(unit, name, id, record);
    expect_in(unit, name, record, group.as_deref())
}

/// The same for a task whose group the caller knows.
pub fn expect_in(unit: &mut Unit<'_>, name: &Name, record: &Record, group: Option<&str>) -> Answer<()> {
    if let Some(group) = group {
        group::expect(unit, name, group)?;
    }
    if record.has(ADDRESSED) {
        addressed::expect_ready(unit, name)?;
    }
    ready::expect(unit, name, record.priority)
}
