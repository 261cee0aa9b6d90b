//! kill -9 and SIGSTOP of steward and of its guardian, with programs that hide their children.

use rustix::process::Signal;

use crate::support::{Blow, HIDING, Server, Stage, send, wait_until};

fn rounds(blow: Blow, count: usize) {
    let server = Server::start();
    let mut times = Vec::new();
    for _ in 0..count {
        let stage = Stage::new();
        let options = ["--ttl", blow.ttl(), "--grace", "200ms"];
        let mut lead = stage.lead("a", &server.url(), &options, HIDING);
        wait_until("it is ready", || stage.file("ready").exists());
        times.push(blow.deal(&lead, || lead.signal(Signal::TERM)));
        let code = match blow {
            Blow::KillSteward => None,
            Blow::KillGuardian | Blow::StopGuardian => Some(137),
            Blow::StopSteward => {
                lead.signal(Signal::CONT);
                Some(75)
            }
        };
        assert_eq!(lead.wait().code(), code, "{blow:?}");
        assert_eq!(stage.overlaps(), 0);
        wait_until("the register is empty", || server.members("web").is_empty());
    }
    blow.report("lead", times);
}

#[test]
fn nothing_is_left_when_steward_is_killed() {
    rounds(Blow::KillSteward, 3);
}

#[test]
fn nothing_is_left_when_the_guardian_is_killed() {
    rounds(Blow::KillGuardian, 3);
}

#[test]
fn nothing_is_left_when_steward_is_stopped() {
    rounds(Blow::StopSteward, 2);
}

#[test]
fn a_guardian_that_is_stopped_goes_on_when_it_is_needed() {
    rounds(Blow::StopGuardian, 2);
}

#[test]
fn descendants_end_with_a_program_that_ends_by_itself() {
    let server = Server::start();
    let stage = Stage::new();
    let script = HIDING.replace("\nsleep 600", "\nexit 4");
    let mut lead = stage.lead("a", &server.url(), &[], &script);
    assert_eq!(lead.wait().code(), Some(4));
    assert!(lead.left().is_empty());
}

#[test]
fn one_that_forks_and_ends_again_and_again_is_caught() {
    let server = Server::start();
    let stage = Stage::new();
    std::fs::write(
        stage.file("respawn"),
        "trap '' TERM; echo x >ready; sh respawn & exit\n",
    )
    .unwrap();
    for end in [Signal::KILL, Signal::TERM] {
        let _ = std::fs::remove_file(stage.file("ready"));
        let options = ["--grace", "100ms"];
        let mut lead = stage.lead("a", &server.url(), &options, "trap '' TERM; sh respawn & sleep 600");
        wait_until("it respawns", || stage.file("ready").exists());
        lead.signal(end);
        lead.wait();
        lead.wait_until_nothing_is_left();
    }
}

#[test]
fn children_that_steward_was_started_with_are_spared() {
    let server = Server::start();
    let stage = Stage::new();
    let script = format!(
        "sleep 600 & echo $! >spared; exec {} lead web -- sh -c 'echo x >ready; exec sleep 600'",
        env!("CARGO_BIN_EXE_steward")
    );
    let mut lead = stage.shell(&script, &server.url());
    send(lead.guardian(), Signal::KILL);
    assert_eq!(lead.wait().code(), Some(137));
    let spared = std::fs::read_to_string(stage.file("spared")).unwrap();
    assert_eq!(lead.left(), [spared.trim().parse::<i32>().unwrap()]);
}

#[test]
#[ignore = "minutes: make long"]
fn fifty_times_each() {
    for blow in Blow::ALL {
        rounds(blow, 50);
    }
}
