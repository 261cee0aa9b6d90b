//! What is sent for targeted tasks.

use crate::support::rig::Rig;

#[test]
fn coming_going_and_becoming_everyones() {
    let mut rig = Rig::start("no");
    assert_eq!(
        rig.sent("TASK.SCHEDULE q p ID a TO w DELAY 3600000 PRIORITY 0"),
        [
            "q: hset x:a [options {\"to\":\"w\"}]; zadd scheduled [MS a]; zadd to:w [-1 a]; \
          set t:a waiting flags=129 fence=F due=MS 'p'"
        ]
    );
    assert_eq!(
        rig.sent("TASK.RESCHEDULE q a DELAY 0"),
        ["q: zrem scheduled [a]; zadd targeted [MS a]; zadd to:w [MS a]; patch t:a waiting flags=129 fence=F due=MS"]
    );
    assert_eq!(
        rig.sent("TASK.CLAIM q w"),
        ["q: zrem targeted [a]; zadd to:w [-1 a]; hset workers [1 w]; \
          patch t:a claimed flags=129 deliveries=1 worker=1 lease=30000 fence=T1 due=MS; zadd claimed [MS a]"]
    );
    let token = rig.token("T1");
    assert_eq!(
        rig.sent(&format!("TASK.RELEASE q a {token}")),
        ["q: zrem claimed [a]; zadd targeted [MS a]; zadd to:w [MS a]; \
          patch t:a waiting flags=129 deliveries=1 fence=T1 due=MS"]
    );
    rig.sent("TASK.CLAIM q w");
    let token = rig.token("T2");
    assert_eq!(
        rig.sent(&format!("TASK.ACK q a {token}")),
        ["q: zrem claimed [a]; zrem to:w [a]; del x:a; del t:a"]
    );
    assert_eq!(
        rig.sent("TASK.SCHEDULE q p ID b TO w PRIORITY 0"),
        [
            "q: hset x:b [options {\"to\":\"w\"}]; zadd targeted [MS b]; zadd to:w [MS b]; \
          set t:b waiting flags=129 fence=F due=MS 'p'"
        ]
    );
    rig.sent("PID.REGISTER q w 1 TTL 0");
    let [line] = &rig.sent("PID.EVICT q w")[..] else {
        panic!("one record")
    };
    assert!(
        line.ends_with("zrem targeted [b]; rpush ready:0 [b]; patch t:b waiting flags=1 fence=F due=MS; zrem to:w [b]"),
        "{line}"
    );
}
