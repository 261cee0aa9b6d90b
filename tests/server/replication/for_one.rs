//! What is sent for tasks that are for one worker.

use super::rig::Rig;

#[test]
fn coming_going_and_everyones() {
    let mut rig = Rig::start("no");
    assert_eq!(rig.sent("TASK.SCHEDULE q p ID a TO w DELAY 3600000"), [""]);
    assert_eq!(rig.sent("TASK.RESCHEDULE q a DELAY 0"), [""]);
    assert_eq!(rig.sent("TASK.RESCHEDULE q a PRIORITY 0"), [""]);
    assert_eq!(rig.sent("TASK.CLAIM q w"), [""]);
    let token = rig.token("T1");
    assert_eq!(rig.sent(&format!("TASK.RELEASE q a {token}")), [""]);
    rig.sent("PID.REGISTER q w 1 TTL 0");
    assert_eq!(rig.sent("PID.EVICT q w"), [""]);
    assert_eq!(rig.sent("TASK.SCHEDULE q p ID b TO w"), [""]);
    rig.sent("TASK.CLAIM q w COUNT 2");
    let token = rig.token("T3");
    assert_eq!(rig.sent(&format!("TASK.ACK q b {token}")), [""]);
}
