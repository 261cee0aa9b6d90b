//! What stands where: one file for each set or list that has ids of tasks.

pub mod blocked;
pub mod dependencies;
pub mod done;
pub mod expiry;
pub mod group;
pub mod ready;
pub mod targeted;
pub mod unique;
