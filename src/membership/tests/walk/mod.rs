//! Unit test of random histories: whatever members, clients and time do, the invariants hold.

mod observer;

use observer::{Seen, members};

use crate::task::tests::walk::Dice;
use crate::task::tests::world::{Came, World, show, words};
use crate::time::{Ms, Steady};
use crate::waiting::Ticket;

/// A random command on one of these names, and the member it is about.
fn command(dice: &mut Dice, seen: &Seen) -> (String, String) {
    let member = format!("m{}", dice.roll(5));
    let other = format!("m{}", dice.roll(5));
    let token = match (seen.tokens.get(&member), dice.roll(12)) {
        (Some(token), 1..) => token.to_string(),
        (Some(token), 0) => (token - 1).to_string(),
        (None, _) => "7".into(),
    };
    let mut pick = |words: &[&str]| words[dice.roll(words.len())].to_string();
    let bind = pick(&["", "", " BIND", " BIND GRACE 400"]);
    let block = pick(&["", " BLOCK 0"]);
    let with = if pick(&["yes", "yes", "yes", "no"]) == "yes" {
        format!(" TOKEN {token}")
    } else {
        String::new()
    };
    let line = match pick(&[
        "beat", "beat", "beat", "register", "register", "lead", "go", "else", "task",
    ])
    .as_str()
    {
        "beat" => {
            let ttl = pick(&["", "", "", " TTL 300", " TTL 4000"]);
            let campaign = pick(&["", "", " CAMPAIGN", " CAMPAIGN PRIORITY 2"]);
            format!("HB.BEAT q {member}{with}{ttl}{bind}{campaign}")
        }
        "register" => {
            let ttl = pick(&["", " TTL 0", " TTL 500", " TTL 9000"]);
            let host = pick(&["", "", " HOST h BOOT 1", " HOST h BOOT 2"]);
            let exclusive = pick(&["", "", " EXCLUSIVE", " EXCLUSIVE BLOCK 0"]);
            format!("PID.REGISTER q {member} 5{ttl}{host}{bind}{exclusive}{with}")
        }
        "lead" => match pick(&["campaign", "campaign", "withdraw", "resign", "to"]).as_str() {
            "campaign" => format!("HB.CAMPAIGN q {member} {token} PRIORITY 1{block}"),
            "withdraw" => format!("HB.WITHDRAW q {member} {token}"),
            "resign" => format!("HB.RESIGN q {member} {token}"),
            _ => format!("HB.RESIGN q {member} {token} TO {other}"),
        },
        "go" => match pick(&["evict", "token", "pid"]).as_str() {
            "evict" => format!("PID.EVICT q {member}"),
            "token" => format!("PID.DEREGISTER q {member} TOKEN {token}"),
            _ => format!("PID.DEREGISTER q {member} PID 5"),
        },
        "else" => match pick(&["signal", "all", "up", "down", "get", "list", "leader"]).as_str() {
            "signal" => format!("HB.SIGNAL q {member} {}", pick(&["quiet", "none"])),
            "all" => format!("HB.SIGNAL q * {}", pick(&["stop", "none", "none"])),
            "up" => format!("PID.AWAIT q {member} UP{block}"),
            "down" => format!("PID.AWAIT q {member} DOWN{block}"),
            "get" => format!("PID.GET q {member}"),
            "list" => "PID.LIST q".into(),
            _ => "HB.LEADER q".into(),
        },
        _ => match pick(&["schedule", "schedule", "claim", "member", "bind"]).as_str() {
            "schedule" => "TASK.SCHEDULE q p".into(),
            "claim" => format!("TASK.CLAIM q {member} LEASE 700{block}"),
            "member" => format!("TASK.CLAIM q {member} LEASE MEMBER"),
            _ => format!("TASK.CLAIM q {member} BIND{block}"),
        },
    };
    (line, member)
}

fn say(world: &mut World, seen: &mut Seen, connection: u64, line: &str, member: &str) {
    if line.contains(" BIND") && !line.starts_with("TASK.") {
        seen.once_bound.entry(member.into()).or_default().insert(connection);
    }
    let reply = match world.run(Some(connection), &words(line)) {
        Ok(Came::Reply(reply)) => show(&reply),
        Ok(Came::Waits(ticket)) => {
            seen.waits.insert(ticket, (connection, member.into()));
            "(waits)".into()
        }
        Err(error) => format!("-{error}"),
    };
    seen.news(world);
    seen.reply(world, member, line, &reply);
    seen.answers(world);
    let binds = reply.contains("status=re") || reply.contains("role=");
    if binds && line.contains(" BIND") && !line.starts_with("TASK.") {
        seen.bound.entry(member.into()).or_default().insert(connection);
    }
    seen.perhaps.insert(member.into(), world.steady);
}

fn later(world: &mut World, ms: Ms) {
    world.wall = world.wall.after(ms);
    world.steady = world.steady.after(ms);
}

/// A standstill, its end, or more time.
fn time(dice: &mut Dice, world: &mut World, seen: &mut Seen) {
    let ms = [5, 5, 100, 100, 400, 400, 400, 3_000, 3_000, 15_000, 10_000_000][dice.roll(11)];
    let ms = dice.roll(ms) as Ms;
    match dice.roll(6) {
        0 => {
            later(world, ms);
            world.state.stalls.stalled(world.steady, ms);
        }
        1 => {
            world.state.stalls.freeze(world.steady);
            later(world, ms);
            world.state.stalls.thaw(world.steady);
        }
        2 => {
            world.state.stalls.turned(world.steady);
            world.state.stalls.turned(world.steady);
            seen.turned = world.steady;
        }
        _ => later(world, ms),
    }
}

/// Restarts the server: no client waits and no member is bound, and every member has its full TTL.
fn restart(world: &mut World, seen: &mut Seen) {
    later(world, 10);
    world.restart();
    world.state.fence = 0;
    world.tick();
    seen.waits.clear();
    seen.bound.clear();
    seen.once_bound.clear();
    for moment in seen.perhaps.values_mut().chain(seen.certain.values_mut()) {
        *moment = world.steady;
    }
}

#[test]
fn no_random_history_has_two_leaders_or_kills_who_lives_or_keeps_who_is_dead() {
    for seed in 0..50_u64 {
        eprintln!("seed {seed}");
        let mut dice = Dice(seed);
        let mut world = World::new();
        let mut seen = Seen::default();
        world.say("TASK.SCHEDULE q p");
        for _ in 0..250 {
            let waiting: Vec<(Ticket, u64)> = seen.waits.iter().map(|(ticket, (c, _))| (*ticket, *c)).collect();
            let connection = 1 + dice.roll(5) as u64;
            match dice.roll(16) {
                0..=3 => time(&mut dice, &mut world, &mut seen),
                4 => {
                    seen.waits.retain(|ticket, (waits, _)| {
                        let closes = *waits == connection;
                        if closes {
                            world.state.waiting.leave(*ticket);
                        }
                        !closes
                    });
                    world.state.disconnected(connection, world.steady, world.module.ttl);
                    seen.bound.values_mut().for_each(|bound| {
                        bound.remove(&connection);
                    });
                }
                5 if !waiting.is_empty() => {
                    let (ticket, _) = waiting[dice.roll(waiting.len())];
                    world.state.waiting.leave(ticket);
                    seen.waits.remove(&ticket);
                }
                6 if dice.roll(8) == 0 => restart(&mut world, &mut seen),
                _ if waiting.iter().any(|(_, waits)| *waits == connection) => {}
                _ => {
                    let (line, member) = command(&mut dice, &seen);
                    say(&mut world, &mut seen, connection, &line, &member);
                    alive(&mut seen, connection, world.steady);
                }
            }
            if dice.roll(3) == 0 {
                // Several commands between two runs of the timer.
                continue;
            }
            seen.before = members(&world);
            world.tick();
            seen.news(&world);
            seen.answers(&mut world);
            seen.check(&mut world);
        }
    }
}

/// This connection may have given a heartbeat.
fn alive(seen: &mut Seen, connection: u64, now: Steady) {
    for (member, bound) in &seen.once_bound {
        if bound.contains(&connection) {
            seen.perhaps.insert(member.clone(), now);
        }
    }
}
