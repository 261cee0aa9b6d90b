//! An append-only file that ends anywhere, as after a loss of power: what is left is whole, and so is what comes after.
//! The server reads up to the last whole command. It does not undo a MULTI that has no EXEC, but executes it with the
//! next restart: a unit of several names that was sent as a MULTI would undo what was acknowledged in between.

use std::path::PathBuf;

use crate::support::history::History;
use crate::support::{Random, Server, places};

/// The file is torn so many times.
const TEARS: usize = 25;

/// The file that the server appends to.
fn appended(server: &Server) -> PathBuf {
    let files = std::fs::read_dir(server.dir().join("appendonlydir")).unwrap();
    let mut paths = files.map(|file| file.unwrap().path());
    let is_it = |path: &PathBuf| path.to_string_lossy().ends_with(".incr.aof");
    paths.find(is_it).expect("a file that is appended to")
}

#[test]
fn work_after_a_tear_survives_the_next_restart() {
    let mut random = Random::new(71);
    let builder = Server::builder().append_always().set("steward.lease", "50");
    let mut server = builder.start();
    let mut client = server.client();
    client.must("TASK.CONFIG SET q service {q}s");
    History::with_members(72, server.socket()).run(&mut client, 1_500);
    server.kill_9();
    let path = appended(&server);
    let whole = std::fs::read(&path).unwrap();
    let again = [("steward.timer", "no")];
    for tear in 0..TEARS {
        let end = random.below(whole.len());
        std::fs::write(&path, &whole[..end]).unwrap();
        server.start_again(&again);
        let mut client = server.client();
        let mut history = History::new(u64::try_from(tear).unwrap());
        history.run(&mut client, 20);
        let digest = client.digest();
        server.kill_9();
        server.start_again(&again);
        let mut client = server.client();
        assert_eq!(client.digest(), digest, "torn at {end} of {}", whole.len());
        for queue in ["q", "r"] {
            // A queue that was dropped is whole once it is swept.
            if client.call(&format!("HGET task:{{{queue}}} drops")) == "null" {
                places::check(&mut client, queue);
            }
        }
        server.kill_9();
    }
}
