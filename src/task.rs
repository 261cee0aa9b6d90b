//! The TASK family.
