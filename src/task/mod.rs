//! The TASK family.
//!
//! A task is a header and a payload ([`header`]), perhaps options ([`options`]), and its id in exactly one index
//! ([`index`]). Commands and the timer open a [`handle::Queue`] and work on [`handle::Task`]s:
//!
//! ```text
//!                delayed                             due
//!     SCHEDULE ──────────► scheduled ─────────────────────────────► ready ◄──── SCHEDULE, due now · RETRY
//!                              ▲                                     ▲ │
//!                              │ FAIL, attempts left         RELEASE │ │ CLAIM
//!                              │ (after its backoff)  lost its lease │ │
//!                              │                       or connection │ ▼
//!                              └───────────────────────────────── claimed ───── ACK ────► gone, or done (RETAIN)
//!                                                                    │
//!                                                                    │ FAIL, no attempts left · lost too often
//!                                                                    ▼
//!     blocked ─► scheduled or ready                                 dead
//! ```
//!
//! Who may touch what, from the ground up; each knows only those before it:
//!
//! * [`header`], [`options`]: what is stored of one task.
//! * [`handle`]: the open queue and its tasks. [`events`], [`worker`]: its stream, its workers as members.
//! * [`kind`]: its kinds of tasks. [`history`]: what happened to its tasks.
//! * [`index`]: which ids are where. An index assigns no state and ends nothing.
//! * [`outcome`]: how a task ended, for those that wait for it.
//! * [`lifecycle`]: every step of a task's life, and the only file that assigns a state.
//! * [`new_task`], [`after`], [`again`], [`replace`], [`reply_to`], [`recurring`]: how tasks come about.
//! * [`dispatch`]: claim requests against ready tasks.
//! * [`plain`]: when a step is that of a plain task, which the edge then takes by a shorter way.
//! * [`sweep`]: the records of dropped queues. [`walk`]: the tasks in one state, page by page.
//! * [`revoke`], [`worklist`]: what follows from a transaction for other tasks and for waiting clients.
//! * [`repair`]: blocked tasks after foreign changes.
//! * [`commands`], [`timer`]: what clients and time do.

pub(crate) mod after;
pub(crate) mod again;
pub(crate) mod commands;
pub(crate) mod dispatch;
pub(crate) mod events;
pub(crate) mod handle;
pub(crate) mod header;
pub(crate) mod history;
pub(crate) mod index;
pub(crate) mod kind;
pub(crate) mod lifecycle;
pub(crate) mod new_task;
pub(crate) mod options;
pub(crate) mod outcome;
pub(crate) mod overview;
pub(crate) mod plain;
pub(crate) mod recurring;
pub(crate) mod render;
pub(crate) mod repair;
pub(crate) mod replace;
pub(crate) mod reply_to;
pub(crate) mod revoke;
pub(crate) mod sweep;
pub(crate) mod timer;
pub(crate) mod walk;
pub(crate) mod worker;
pub(crate) mod worklist;

#[cfg(test)]
pub(crate) mod tests;
