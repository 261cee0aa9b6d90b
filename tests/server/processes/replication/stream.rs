//! The exact stream: one record for each transaction, none for a heartbeat.

use crate::support::rig::Rig;
use crate::support::wait_until;

const NOTHING: [&str; 0] = [];

/// A rig with a member a, its token shown as T1.
fn registered(timer: &str, options: &str) -> (Rig, String) {
    let mut rig = Rig::start(timer);
    rig.sent(&format!("PID.REGISTER s a 1 {options}"));
    let token = rig.token("T1");
    (rig, token)
}

#[test]
fn registering() {
    let mut rig = Rig::start("no");
    assert_eq!(
        rig.sent("PID.REGISTER s a 12 HOST h START 5 BOOT b TTL 7000 BIND GRACE 8 META 1 k v"),
        [
            "s: hset members [a {\"pid\":12,\"host\":\"h\",\"start\":\"5\",\"boot\":\"b\",\"ttl_ms\":7000,\"bind\":true,\"grace_ms\":8,\"token\":\"SHA\",\
              \"order\":F,\"registered_at\":MS,\"meta\":{\"k\":\"v\"}}]; \
             xadd events ID most 1000 [type up, member a, pid 12, host h, epoch , reason registered]"
        ]
    );
    assert_eq!(
        rig.sent("PID.REGISTER s b 13"),
        [
            "s: hset members [b {\"pid\":13,\"ttl_ms\":15000,\"token\":\"SHA\",\"order\":F,\"registered_at\":MS}]; \
             xadd events ID most 1000 [type up, member b, pid 13, host , epoch , reason registered]"
        ]
    );
    assert_eq!(rig.sent("PID.REGISTER s b 14"), NOTHING, "held");
    let token = rig.token("T2");
    assert_eq!(
        rig.sent(&format!("PID.REGISTER s b 14 TOKEN {token}")),
        ["s: hset members [b {\"pid\":14,\"ttl_ms\":15000,\"token\":\"SHA\",\"order\":F,\"registered_at\":MS}]"]
    );
    assert_eq!(
        rig.sent(&format!("PID.DEREGISTER s b TOKEN {token}")),
        ["s: hdel members [b]; \
         xadd events ID most 1000 [type down, member b, pid 14, host , epoch , reason left]"]
    );
    assert_eq!(
        rig.sent("PID.EVICT s a REASON tired"),
        ["s: hdel members [a]; \
         xadd events ID most 1000 [type down, member a, pid 12, host h, epoch , reason tired]"]
    );
    assert_eq!(rig.sent("PID.EVICT s a"), NOTHING);
}

#[test]
fn a_sign_of_life_and_looking_send_nothing() {
    let (mut rig, token) = registered("yes", "TTL 60000 BIND");
    rig.sent(&format!("HB.CAMPAIGN s a {token}"));
    rig.sent("HB.BEAT s simple");
    for words in [
        format!("HB.BEAT s a TOKEN {token}"),
        format!("HB.BEAT s a TOKEN {token} STATUS busy"),
        format!("HB.BEAT s a TOKEN {token} TTL 60000 BIND CAMPAIGN"),
        format!("HB.CAMPAIGN s a {token}"),
        "HB.BEAT s simple".into(),
        "HB.BEAT s simple TTL 15000".into(),
        "PID.LIST s".into(),
        "PID.GET s a".into(),
        "PID.SERVICES".into(),
        "PID.AWAIT s a UP".into(),
        "HB.LEADER s".into(),
        "TASK.CLAIM s a".into(),
    ] {
        assert_eq!(rig.sent(&words), NOTHING, "{words}");
    }
    assert_eq!(
        rig.sent(&format!("HB.BEAT s a TOKEN {token} TTL 50000")),
        [
            "s: hset members [a {\"pid\":1,\"ttl_ms\":50000,\"bind\":true,\"token\":\"SHA\",\"order\":F,\"registered_at\":MS}]"
        ]
    );
}

#[test]
fn being_elected_resigning_and_withdrawing() {
    let (mut rig, first) = registered("no", "");
    assert_eq!(
        rig.sent(&format!("HB.CAMPAIGN s a {first}")),
        ["s: zadd candidates [F a]; \
             hset service [leader a, epoch F, since_at MS]; \
             zrem candidates [a]; \
             xadd events ID most 1000 [type leader, member a, pid 1, host , epoch F, reason ]"]
    );
    rig.sent("PID.REGISTER s b 2");
    let second = rig.token("T2");
    assert_eq!(
        rig.sent(&format!("HB.CAMPAIGN s b {second} PRIORITY 3")),
        ["s: zadd candidates [F b]"]
    );
    assert_eq!(
        rig.sent(&format!("HB.RESIGN s a {first}")),
        ["s: hdel service [leader, since_at]; \
             xadd events ID most 1000 [type resigned, member a, pid 1, host , epoch F, reason ]; \
             hset service [leader b, epoch F, since_at MS]; \
             zrem candidates [b]; \
             xadd events ID most 1000 [type leader, member b, pid 2, host , epoch F, reason ]"]
    );
    assert_eq!(
        rig.sent(&format!("HB.CAMPAIGN s a {first}")),
        ["s: zadd candidates [F a]"]
    );
    assert_eq!(
        rig.sent(&format!("HB.WITHDRAW s a {first}")),
        ["s: zrem candidates [a]"]
    );
    assert_eq!(
        rig.sent("HB.SIGNAL s b quiet"),
        ["s: hset members [b {\"pid\":2,\"ttl_ms\":15000,\"token\":\"SHA\",\
              \"order\":F,\"registered_at\":MS,\"signal\":\"quiet\",\"signal_order\":F}]; \
             xadd events ID most 1000 [type signal, member b, pid 2, host , epoch , reason quiet]"]
    );
    assert_eq!(
        rig.sent("HB.SIGNAL s * none"),
        ["s: hset service [signal none, signal_order F]; \
             xadd events ID most 1000 [type signal, member *, pid , host , epoch , reason none]"]
    );
}

#[test]
fn a_death_with_its_claims_and_the_next_leader_is_one_unit() {
    let (mut rig, first) = registered("no", "TTL 100");
    rig.sent(&format!("HB.CAMPAIGN s a {first}"));
    rig.sent("HB.BEAT s b CAMPAIGN");
    rig.sent("TASK.SCHEDULE s x ID held");
    rig.sent("TASK.CLAIM s a LEASE MEMBER");
    rig.client.must("CONFIG SET steward.timer yes");
    wait_until("it is dead", || rig.client.counts("s") == "ready 1");
    assert_eq!(
        rig.rest(),
        [
            "s: hdel members [a]; xadd events ID most 1000 [type down, member a, pid 1, host , epoch , reason ttl]; \
          hdel service [leader, since_at]; hset service [leader b, epoch F, since_at MS]; zrem candidates [b]; \
          xadd events ID most 1000 [type leader, member b, pid , host , epoch F, reason ]; zrem claimed [held]; \
          xadd task-events ID most 1000 [type lost, id held, worker a, attempt 1, reason member, kind ]; \
          lpush ready:5 [held]; patch t:held waiting p=5 used=1 deliveries=1 lost=1 fence=T3 due=MS"
        ]
    );
}

#[test]
fn what_is_fenced_is_sent_as_what_it_does() {
    let (mut rig, token) = registered("no", "");
    rig.sent(&format!("HB.CAMPAIGN s a {token}"));
    let epoch = rig.client.epoch("s");
    assert_eq!(rig.sent(&format!("HB.FENCED s {epoch} SET x 1")), ["SET x 1"]);
    assert_eq!(
        rig.sent(&format!("HB.FENCED s {epoch} TASK.SCHEDULE q x ID a")),
        ["q: rpush ready:5 [a]; set t:a waiting p=5 fence=F due=MS 'x'"]
    );
    rig.client.call(&format!("HB.FENCED s {} SET x 2", epoch - 1));
    assert_eq!(rig.rest(), NOTHING);
}
