//! What stands where: one file for each set or list that has ids of tasks.
//!
//! An index puts ids in and takes them out, and says what stands there. It assigns no state and calls nothing that
//! does ([`super::lifecycle`]).

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
