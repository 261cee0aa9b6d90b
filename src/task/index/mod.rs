//! Which ids are where: one file for each set or list of task ids.
//!
//! An index adds, removes and finds ids. It assigns no state and calls nothing that does ([`super::lifecycle`]).

pub(crate) mod blocked;
pub(crate) mod claimed;
pub(crate) mod dead;
pub(crate) mod dependencies;
pub(crate) mod done;
pub(crate) mod expiry;
pub(crate) mod group;
pub(crate) mod later;
pub(crate) mod ready;
pub(crate) mod scheduled;
pub(crate) mod targeted;
pub(crate) mod unique;
