//! Runs what the README and the manual show: sessions, programs, users; and checks that the tests, pages and headings
//! that they name exist.

mod clients;
mod links;
mod programs;
mod weather;

use std::fs;

use super::{operating, several_machines};
use crate::support::{Client, Document, Folder, Server, Session};

/// Pages whose sessions have a test of their own.
fn has_a_test(page: &Document) -> bool {
    let others = ["docs/recipes.md", several_machines::PAGE];
    // Those of the program steward are run in its crate, whose tests know all its pages.
    let of_the_program = page.name().starts_with("docs/steward") || page.name() == "docs/quickstart.md";
    of_the_program || others.contains(&page.name()) || operating::PAGES.contains(&page.name())
}

/// Runs the sessions of pages; returns how many commands they have.
fn run(pages: impl Iterator<Item = Document>) -> usize {
    let mut commands = 0;
    for page in pages.filter(|page| !has_a_test(page)) {
        let shown = page.text().matches("\n$ ").count();
        if shown == 0 {
            continue;
        }
        println!("{}", page.name());
        let server = Server::start();
        let mut session = Session::at(&server);
        // How long a task ran.
        session.let_vary("41");
        let run = session.run(&page.blocks("console").concat());
        assert_eq!(run, shown, "all were run");
        commands += run;
    }
    commands
}

/// Whether a page is the one of a command.
fn is_of_a_command(page: &Document) -> bool {
    page.name().starts_with("docs/reference/commands/")
}

#[test]
fn the_sessions_are_what_happens() {
    let commands = run(Document::all().into_iter().filter(|page| !is_of_a_command(page)));
    assert!(commands > 150, "{commands}");
}

#[test]
fn the_sessions_of_commands_are_what_happens() {
    let commands = run(Document::all().into_iter().filter(is_of_a_command));
    assert!(commands > 200, "{commands}");
}

#[test]
fn the_transaction_of_the_workflows_schedules_all_of_them() {
    let server = Server::start();
    let folder = Folder::new(&server);
    folder.add(
        "flow",
        &Document::read("docs/guides/workflows.md").block("redis", "MULTI"),
    );
    let output = folder
        .command("sh")
        .args(["-c", "redis-cli <flow"])
        .env("FORM", "")
        .output()
        .unwrap();
    let replies = String::from_utf8(output.stdout).unwrap();
    assert!(replies.ends_with("QUEUED\ncut-7\nsound-7\njoin-7\n"), "{replies}");
}

#[test]
fn the_four_users_may_do_their_part_and_no_more() {
    let server = Server::start();
    let mut admin = server.client();
    let page = Document::read("docs/reference/acl.md");
    let lines: Vec<&str> = page
        .text()
        .lines()
        .filter(|line| line.starts_with("ACL SETUSER "))
        .collect();
    assert_eq!(lines.len(), 4);
    for line in lines {
        admin.must(line);
    }
    let may = |admin: &mut Client, call: &str| {
        let users = ["producer", "worker", "operator", "viewer"];
        let allowed = users
            .iter()
            .filter(|user| admin.must(&format!("ACL DRYRUN {user} {call}")) == "+OK");
        allowed.copied().collect::<Vec<_>>().join(" ")
    };
    for (call, users) in [
        ("TASK.SCHEDULE mail x", "producer operator"),
        ("TASK.MSCHEDULE mail 1 x", "producer"),
        ("TASK.CANCEL mail a", "producer operator"),
        ("TASK.RESCHEDULE mail a", "producer operator"),
        ("TASK.REPEAT mail n x EVERY 5", "producer worker operator"),
        ("TASK.UNREPEAT mail n", "producer operator"),
        ("TASK.TRIGGER mail n", "producer operator"),
        ("TASK.EDIT mail a PAYLOAD x", "producer operator"),
        ("TASK.UNCLAIM mail a", "operator"),
        ("TASK.BURY mail a", "operator"),
        ("TASK.REPEATS mail", "producer operator viewer"),
        ("TASK.GET mail a", "producer operator viewer"),
        ("TASK.RESULT mail a", "producer worker operator viewer"),
        ("TASK.MRESULT mail 1 a", "producer worker operator viewer"),
        ("TASK.CLAIM mail w", "worker"),
        ("TASK.MCLAIM 1 mail w", "worker"),
        ("TASK.ACK mail a 1", "worker"),
        ("TASK.MACK mail 1 a 1", "worker"),
        ("TASK.MFAIL mail 1 a 1", "worker"),
        ("TASK.MRELEASE mail 1 a 1", "worker"),
        ("TASK.MEXTEND mail 1 a 1", "worker"),
        ("TASK.FAIL mail a 1", "worker"),
        ("TASK.RELEASE mail a 1", "worker"),
        ("TASK.EXTEND mail a 1", "worker"),
        ("TASK.RETRY mail a", "operator"),
        ("TASK.RETRYALL mail", "operator"),
        ("TASK.CANCELALL mail ready", "operator"),
        ("TASK.PURGE mail dead", "operator"),
        ("TASK.DROP mail", "operator"),
        ("TASK.PAUSE mail", "worker operator"),
        ("TASK.RESUME mail", "operator"),
        ("TASK.CONFIG SET mail lease 5", "operator"),
        ("TASK.CONFIG GET mail", "operator viewer"),
        ("TASK.LIST mail ready", "operator viewer"),
        ("TASK.WORKERS mail", "operator viewer"),
        ("TASK.STATS mail", "operator viewer"),
        ("TASK.HISTORY mail", "operator viewer"),
        ("TASK.EXPLAIN mail w", "operator viewer"),
        ("TASK.QUEUES", "operator viewer"),
        ("TASK.HELP", "operator viewer"),
        ("PID.REGISTER mail w 1", "worker"),
        ("PID.DEREGISTER mail w PID 1", "worker"),
        ("PID.EVICT mail w", "operator"),
        ("PID.GET mail w", "worker operator viewer"),
        ("PID.LIST mail", "operator viewer"),
        ("PID.SERVICES", "operator viewer"),
        ("PID.AWAIT mail w UP", "worker operator viewer"),
        ("PID.HELP", "operator viewer"),
        ("HB.BEAT mail w", "worker"),
        ("HB.CAMPAIGN mail w 1", "worker"),
        ("HB.WITHDRAW mail w 1", "worker"),
        ("HB.RESIGN mail w 1", "worker"),
        ("HB.LEADER mail", "worker operator viewer"),
        ("HB.CHECK mail 1", "worker"),
        ("HB.FENCED mail 1 TASK.CLAIM mail w", "worker"),
        ("HB.SIGNAL mail w quiet", "operator"),
        ("HB.HELP", "operator viewer"),
        ("XRANGE proc:{mail}:events - +", "operator viewer"),
        ("XREAD STREAMS proc:{mail}:events 0", "operator viewer"),
        ("INFO steward", "operator viewer"),
        ("MULTI", "operator"),
        ("EXEC", "operator"),
        ("WAIT 1 1000", "producer worker"),
        ("TASK.SCHEDULE other x", ""),
        ("TASK.CLAIM other w", ""),
        ("TASK.DROP other", ""),
        ("TASK.STATS other", ""),
        ("PID.REGISTER other w 1", ""),
        ("PID.EVICT other w", ""),
        ("HB.BEAT other w", ""),
        ("HB.SIGNAL other w quiet", ""),
        ("GET task:{mail}:t:a", ""),
        ("XRANGE proc:{other}:events - +", ""),
        ("XADD proc:{mail}:events * type down", ""),
        ("FLUSHALL", ""),
    ] {
        assert_eq!(may(&mut admin, call), users, "{call}");
    }
}

#[test]
fn a_user_without_the_write_category_may_still_schedule_on_servers_without_module_categories() {
    let server = Server::start();
    let mut admin = server.client();
    admin.must("ACL SETUSER reader on nopass resetkeys ~mail +@all -@write");
    let refused = admin.must("ACL DRYRUN reader TASK.SCHEDULE mail x") != "+OK";
    // ACL CAT of Redis 7.2 and 7.4 and of Valkey 8.0 lists no command of a module, whatever its categories.
    admin.must("ACL SETUSER writer on nopass resetkeys ~mail -@all +@write");
    let has_categories = admin.must("ACL DRYRUN writer TASK.SCHEDULE mail x") == "+OK";
    assert_eq!(refused, has_categories);
    assert_eq!(has_categories, !admin.info("redis_version").starts_with("7.0."));
}

/// `server::crash::every_accepted_task_...` is `fn every_accepted_task_...` in server/crash.rs.
#[test]
fn the_tests_that_the_guarantees_name_exist() {
    let page = Document::read("docs/concepts/guarantees.md");
    let mut named = 0;
    for word in page
        .text()
        .split('`')
        .filter(|word| word.contains("::") && !word.contains(['(', ' ']))
    {
        let (module, name) = word.rsplit_once("::").unwrap();
        let module = module.replace("::", "/");
        let file = format!("{}/tests/server/{module}.rs", env!("CARGO_MANIFEST_DIR"));
        let source = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("#[test]\nfn {name}()")), "no test {word}");
        named += 1;
    }
    assert!(named > 15);
}
