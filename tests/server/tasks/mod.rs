//! What is done with tasks and queues: `TASK`.

mod addressed;
mod bind;
mod blocking;
mod cancel;
mod dependencies;
mod drop;
mod expire;
mod fail;
mod formats;
mod groups;
mod input;
mod lease_member;
mod life;
mod limits;
mod list;
mod model;
mod names;
mod patience;
mod queues;
mod repeat;
mod results;
mod stale;
mod task_events;
mod timer;
mod unique;
