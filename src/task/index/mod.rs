//! What stands where: one file for each set or list that has ids of tasks.

pub(crate) mod blocked;
pub(crate) mod dependencies;
pub(crate) mod done;
pub(crate) mod expiry;
pub(crate) mod group;
pub(crate) mod ready;
pub(crate) mod targeted;
pub(crate) mod unique;
