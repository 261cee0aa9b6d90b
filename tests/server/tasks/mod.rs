//! Tasks and queues: `TASK`.

mod bind;
mod blocking;
mod cancel;
mod dependencies;
mod drop;
mod events;
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
mod queues;
mod redefined;
mod repeat;
mod results;
mod stale;
mod targeted;
mod timeouts;
mod timer;
mod unique;
