//! What a program inherits.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Server, steward, told};

#[test]
fn a_program_inherits_its_standard_input_output_and_error_and_no_other_file() {
    let server = Server::start();
    let script = "cat; cd /proc/$$/fd && ls; ls -l | grep -c socket; echo error >&2";
    let run = |mut command: Command| {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.env("REDIS_URL", server.url()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"input\n").unwrap();
        told(&child.wait_with_output().unwrap())
    };
    let mut plain = Command::new("sh");
    plain.args(["-c", script]);
    // Whoever runs the tests may have left files open.
    assert_eq!(run(steward(&["lead", "web", "--", "sh", "-c", script])), run(plain));
}

#[test]
fn whoever_reads_its_output_sees_it_end_with_the_program_and_not_with_the_guardian() {
    let server = Server::start();
    let script = "exec >&- 2>&-; exec sleep 600";
    let mut command = steward(&["lead", "web", "--", "sh", "-c", script]);
    command.env("REDIS_URL", server.url()).stdin(Stdio::null());
    let lead = crate::support::Running::start(&mut command);
    let guardian = lead.guardian();
    let is_null =
        |fd: i32| std::fs::read_link(format!("/proc/{guardian}/fd/{fd}")).is_ok_and(|to| to.ends_with("null"));
    crate::support::wait_until("the guardian has let go of it", || (0..3).all(is_null));
}
