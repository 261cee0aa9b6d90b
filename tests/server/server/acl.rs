//! Access rules: by command and by the queue's name as the key.

use crate::support::{Client, Server, Value, wait_until};

/// A connection of a user with these rules.
#[track_caller]
fn user(server: &Server, name: &str, rules: &str) -> Client {
    server
        .client()
        .must(&format!("ACL SETUSER {name} on nopass resetkeys {rules}"));
    let mut client = server.client();
    client.must(&format!("AUTH {name} any"));
    client
}

const PRODUCER: &str = "+task.schedule +task.mschedule +task.cancel ~mail";
const WORKER: &str = "+task.claim +task.mclaim +task.ack +task.mack +task.fail +task.release +task.extend ~mail";
const VIEWER: &str = "+task.stats +task.get +task.list +task.workers +task.queues +task.config|get ~mail";

#[test]
fn each_user_may_do_its_own_part() {
    let server = Server::start();
    let mut producer = user(&server, "producer", PRODUCER);
    let mut worker = user(&server, "worker", WORKER);
    let mut viewer = user(&server, "viewer", VIEWER);
    producer.schedule("mail x ID a");
    let (_, token) = worker.claim("mail w");
    assert_eq!(viewer.counts("mail"), "claimed 1");
    assert_eq!(viewer.call("TASK.CONFIG GET mail lease"), "{lease: '30000'}");
    assert_eq!(worker.call(&format!("TASK.ACK mail a {token}")), "+OK");
    for words in ["TASK.CLAIM mail w", "TASK.DROP mail", "TASK.STATS mail"] {
        assert_eq!(producer.call(words).code(), "NOPERM", "{words}");
    }
    for words in [
        "TASK.SCHEDULE mail x",
        "TASK.PURGE mail dead",
        "TASK.CONFIG SET mail lease 5",
    ] {
        assert_eq!(worker.call(words).code(), "NOPERM", "{words}");
    }
    for words in [
        "TASK.SCHEDULE mail x",
        "TASK.CLAIM mail w",
        "TASK.CONFIG SET mail lease 5",
        "TASK.PAUSE mail",
    ] {
        assert_eq!(viewer.call(words).code(), "NOPERM", "{words}");
    }
}

#[test]
fn another_queue_is_out_of_reach() {
    let server = Server::start();
    let mut admin = server.client();
    admin.schedule("secret x ID a");
    let digest = admin.digest();
    let mut producer = user(&server, "producer", PRODUCER);
    let mut worker = user(&server, "worker", WORKER);
    let mut viewer = user(&server, "viewer", VIEWER);
    assert_eq!(producer.call("TASK.SCHEDULE secret x").code(), "NOPERM");
    assert_eq!(producer.call("TASK.CANCEL secret a").code(), "NOPERM");
    assert_eq!(worker.call("TASK.CLAIM secret w").code(), "NOPERM");
    assert_eq!(worker.call("TASK.MCLAIM 2 mail secret w").code(), "NOPERM");
    assert_eq!(worker.call("TASK.MCLAIM 2 mail secret w BLOCK 10").code(), "NOPERM");
    assert_eq!(viewer.call("TASK.GET secret a").code(), "NOPERM");
    assert_eq!(viewer.call("TASK.LIST secret ready").code(), "NOPERM");
    assert_eq!(admin.digest(), digest);
}

#[test]
fn only_the_queues_a_user_may_access_are_listed() {
    let server = Server::start();
    let mut admin = server.client();
    for queue in ["mail", "mail2", "secret", "{app}mail"] {
        admin.schedule(&format!("{queue} x"));
    }
    let mut viewer = user(&server, "viewer", "+task.queues ~mail*");
    assert_eq!(viewer.must("TASK.QUEUES COUNT 1000").names(), ["mail", "mail2"]);
    assert_eq!(viewer.call("TASK.QUEUES MATCH secret"), "['0', []]");
    let mut nobody = user(&server, "nobody", "+task.queues");
    assert_eq!(nobody.call("TASK.QUEUES"), "['0', []]");
}

#[test]
fn members_and_leaders_take_rights_to_their_service() {
    let server = Server::start();
    let mut worker = user(
        &server,
        "worker",
        "+pid.register +hb.beat +hb.campaign +hb.fenced ~mail",
    );
    let mut viewer = user(&server, "viewer", "+pid.get +pid.list +hb.leader ~mail");
    let token = worker.must("PID.REGISTER mail w 1").field("token").int();
    let epoch = worker.must(&format!("HB.CAMPAIGN mail w {token}")).field("epoch").int();
    assert_eq!(viewer.call("PID.GET mail w role"), "'leader'");
    assert_eq!(viewer.call("HB.LEADER mail").field("epoch").int(), epoch);
    for words in [
        "PID.EVICT mail w",
        "PID.DROP mail FORCE",
        "HB.SIGNAL mail w stop",
        "PID.REGISTER secret w 1",
        "HB.BEAT secret w",
        &format!("HB.FENCED mail {epoch} SET mail x"),
    ] {
        assert_eq!(worker.call(words).code(), "NOPERM", "{words}");
    }
    for words in [
        "HB.BEAT mail w",
        "HB.CHECK mail 1",
        "PID.LIST secret",
        "HB.LEADER secret",
    ] {
        assert_eq!(viewer.call(words).code(), "NOPERM", "{words}");
    }
}

#[test]
fn a_bare_name_opens_the_queue_and_not_its_keys() {
    let server = Server::start();
    let mut admin = server.client();
    admin.schedule("mail x ID a");
    let mut reader = user(&server, "reader", "+@all ~mail");
    assert_eq!(reader.call("GET task:{mail}:t:a").code(), "NOPERM");
    assert_eq!(reader.call("DEL task:{mail}:ready:5").code(), "NOPERM");
    let mut keys_only = user(&server, "keys", "+@all ~task:*");
    assert_eq!(keys_only.call("TASK.STATS mail").code(), "NOPERM");
    assert_ne!(keys_only.call("GET task:{mail}:t:a"), Value::Null);
}

#[test]
fn rights_taken_away_end_a_wait_or_its_reach() {
    let server = Server::start();
    let mut admin = server.client();
    let mut worker = user(&server, "worker", WORKER);
    worker.send("TASK.CLAIM mail w BLOCK 0");
    wait_until("the client waits", || admin.stat("mail", "waiting_clients") == 1);
    admin.must("ACL DELUSER worker");
    wait_until("its connection is closed", || worker.is_closed());
    admin.schedule("mail x");
    assert_eq!(admin.counts("mail"), "ready 1");
}

#[test]
fn another_service_is_out_of_reach() {
    let server = Server::start();
    let mut admin = server.client();
    let token = admin.register("secret a 7 TTL 0");
    let digest = admin.digest();
    let mut anybody = user(&server, "anybody", "+@all ~mail");
    anybody.register("mail a 7");
    anybody.must("PID.DEREGISTER mail a PID 7");
    admin.must("DEL proc:{mail}:events");
    for words in [
        "PID.REGISTER secret b 7".to_string(),
        "PID.DEREGISTER secret a PID 7".into(),
        "PID.EVICT secret a".into(),
        "PID.GET secret a".into(),
        "PID.LIST secret".into(),
        "PID.AWAIT secret a UP".into(),
        "PID.AWAIT secret a DOWN BLOCK 10".into(),
        "HB.BEAT secret b".into(),
        format!("HB.BEAT secret a TOKEN {token}"),
        format!("HB.CAMPAIGN secret a {token}"),
        format!("HB.WITHDRAW secret a {token}"),
        format!("HB.RESIGN secret a {token}"),
        "HB.LEADER secret".into(),
        "HB.CHECK secret 5".into(),
        "HB.FENCED secret 5 PING".into(),
        "HB.SIGNAL secret * stop".into(),
    ] {
        assert_eq!(anybody.call(&words).code(), "NOPERM", "{words}");
    }
    assert_eq!(admin.digest(), digest);
}

#[test]
fn a_client_that_waits_has_the_rights_it_came_with_until_its_connection_is_ended() {
    let server = Server::start();
    let mut admin = server.client();
    let mut worker = user(&server, "worker", WORKER);
    worker.send("TASK.CLAIM mail w BLOCK 0");
    wait_until("the client waits", || admin.stat("mail", "waiting_clients") == 1);
    admin.must("ACL SETUSER worker -task.claim");
    admin.schedule("mail x ID a");
    assert_eq!(worker.receive().ids(), ["a"]);
    assert_eq!(worker.call("TASK.CLAIM mail w BLOCK 0").code(), "NOPERM");

    admin.must("ACL SETUSER worker +task.claim");
    worker.send("TASK.CLAIM mail w BLOCK 0");
    wait_until("the client waits", || admin.stat("mail", "waiting_clients") == 1);
    admin.must("ACL SETUSER worker -task.claim");
    admin.must("CLIENT KILL USER worker");
    admin.schedule("mail x ID b");
    assert_eq!(admin.counts("mail"), "ready 1 claimed 1");
}
