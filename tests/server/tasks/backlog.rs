//! How many tasks were ready, in the history of a queue.

use super::history::pass_a_minute;
use crate::support::clock::{Clock, HOUR};
use crate::support::{Client, wait_until};

/// The most ready tasks of each hour that is shown, when these follow on each other.
fn most(client: &mut Client) -> Vec<i64> {
    let hours = client.must("TASK.HISTORY q");
    let numbers = |field| -> Vec<i64> { hours.items().iter().map(|hour| hour.field(field).int()).collect() };
    let starts = numbers("start_at");
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == HOUR), "{hours}");
    numbers("ready_max_tasks")
}

/// Whether so many hours are shown, or one more if the true hour ends during the test, and always as many were ready.
fn stood(client: &mut Client, ready: i64, hours: usize) -> bool {
    let most = most(client);
    assert!(most.iter().all(|most| *most == ready), "{most:?}");
    (hours..=hours + 1).contains(&most.len())
}

/// Lets an hour pass, and what is seen in it be written.
fn pass_an_hour(clock: &mut (Clock, i64), client: &mut Client) {
    clock.1 += HOUR;
    pass_a_minute(clock, client);
}

#[test]
fn a_queue_that_stands_still_shows_it_in_every_hour_here_there_and_later() {
    let mut clock = (Clock::new(), 0);
    let mut server = clock.0.server().append_always().listening().start();
    let replica = server.replica_with(clock.0.server());
    let (mut client, mut there) = (server.client(), replica.client());
    client.must("TASK.MSCHEDULE q 3 x x x");
    assert_eq!(most(&mut client), [3], "at once");
    assert_eq!(most(&mut there), [0; 0], "nothing is written");
    pass_a_minute(&mut clock, &mut client);
    for hours in 2..4 {
        wait_until("the replica has it", || stood(&mut there, 3, hours - 1));
        clock.1 += HOUR;
        clock.0.step(clock.1);
        wait_until("the hour has come", || stood(&mut client, 3, hours));
        pass_a_minute(&mut clock, &mut client);
    }
    wait_until("the replica has it", || stood(&mut there, 3, 3));
    server.kill_9();
    server.start_again(&[]);
    let mut client = server.client();
    assert!(stood(&mut client, 3, 3));
    pass_an_hour(&mut clock, &mut client);
    wait_until("the next hour has come", || stood(&mut client, 3, 4));
    wait_until("the replica has it", || stood(&mut there, 3, 4));
    server.kill_9();
    there.must("REPLICAOF NO ONE");
    for hours in 5..7 {
        pass_an_hour(&mut clock, &mut there);
        wait_until("the next hour has come", || stood(&mut there, 3, hours));
    }
    there.must("TASK.PURGE q ready");
    pass_an_hour(&mut clock, &mut there);
    assert!(stood(&mut there, 3, 6), "nothing is ready any more");
}

#[test]
fn what_was_ready_for_a_second_is_not_forgotten() {
    let mut clock = (Clock::new(), 0);
    let server = clock.0.server().start();
    let mut client = server.client();
    client.must("TASK.MSCHEDULE q 4 x x x x");
    client.must("TASK.MSCHEDULE q 3 x x x DELAY 7200000");
    // INFO measures the queues that have changed.
    assert_eq!(client.info("steward_ready_tasks"), "4");
    let claims = client.must("TASK.CLAIM q w COUNT 4");
    for task in claims.items() {
        let (id, token) = (task.field("id").text(), task.field("token").int());
        client.must(&format!("TASK.ACK q {id} {token}"));
    }
    assert_eq!(client.info("steward_ready_tasks"), "0");
    let day = |client: &mut Client| {
        let days = client.must("TASK.HISTORY q DAYS 400");
        days.items().iter().map(|day| day.field("ready_max_tasks").int()).max()
    };
    assert_eq!(day(&mut client), Some(4));
    // They become due, and nobody claims them.
    clock.1 += 3 * HOUR;
    clock.0.step(clock.1);
    client.must("TASK.MSCHEDULE q 2 x x");
    wait_until("they are ready", || client.counts("q") == "ready 5");
    assert_eq!(day(&mut client), Some(5));
}
