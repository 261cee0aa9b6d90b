//! One short round for each fault, and as many as one likes.

use super::fault::Fault;
use super::soak;
use crate::support::unix_ms;

#[test]
fn nothing_is_lost_when_a_server_that_syncs_always_is_killed() {
    soak::round(Fault::Kill, 1);
}

#[test]
fn what_is_two_seconds_old_is_there_when_a_server_that_syncs_every_second_is_killed() {
    soak::round(Fault::KillEverysec, 2);
}

#[test]
fn a_planned_failover_loses_nothing() {
    soak::round(Fault::Failover, 3);
}

#[test]
fn what_was_waited_for_is_on_a_replica_that_is_promoted_by_hand() {
    soak::round(Fault::Promotion, 4);
}

#[test]
fn what_was_waited_for_is_on_a_replica_that_sentinel_promotes() {
    soak::round(Fault::Sentinel, 5);
}

/// `make chaos`: rounds from `STEWARD_SEED` on, by default another one each time.
#[test]
#[ignore = "takes as long as it is told to: make chaos"]
fn many() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let rounds = number("STEWARD_ROUNDS").unwrap_or(10);
    let first = number("STEWARD_SEED").unwrap_or_else(|| unix_ms().unsigned_abs());
    for seed in first..first + rounds {
        soak::round(Fault::of(seed), seed);
    }
}
