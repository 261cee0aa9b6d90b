//! What is sent for tasks that are kept after they are done, and for replies.

use crate::support::rig::Rig;

#[test]
fn keeping_and_removing() {
    let mut rig = Rig::start("no");
    assert_eq!(
        rig.sent("TASK.SCHEDULE q p ID a RETAIN 5"),
        ["q: hset x:a [options {\"retain\":5}]; rpush ready:5 [a]; set t:a waiting p=5 flags=17 fence=F due=MS 'p'"]
    );
    rig.sent("TASK.CLAIM q w");
    let token = rig.token("T1");
    assert_eq!(
        rig.sent(&format!("TASK.ACK q a {token} RESULT 42")),
        ["q: zrem claimed [a]; hset x:a [result 42]; \
          patch t:a done p=5 flags=17 used=1 deliveries=1 fence=T1 due=MS; zadd done [MS a]"]
    );
    assert_eq!(rig.sent("TASK.PURGE q done"), ["q: del x:a; del t:a; zrem done [a]"]);
}

#[test]
fn an_end_and_its_reply_are_one_record() {
    let mut rig = Rig::start("no");
    rig.sent("TASK.SCHEDULE q p ID a REPLY {q}r");
    rig.sent("TASK.CLAIM q w");
    let token = rig.token("T1");
    let sent = rig.sent(&format!("TASK.ACK q a {token}"));
    let [sent] = sent.as_slice() else { panic!("{sent:?}") };
    let reply = sent.strip_prefix("q: zrem claimed [a]; del x:a; del t:a; of {q}r; rpush ready:5 [");
    let reply = reply.expect(sent);
    assert!(
        reply.ends_with("waiting p=5 fence=F due=MS '{\"id\":\"a\",\"state\":\"done\",\"result\":null}'"),
        "{reply}"
    );
}
