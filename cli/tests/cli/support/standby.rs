//! A replica of a server, and a sentinel that promotes it.

use redis::{Value, cmd};

use super::{Plain, Server, free_port, wait_until};

pub(crate) struct Standby {
    pub server: Server,
    sentinel: Plain,
}

impl Standby {
    /// Starts both, and waits until they know each other. A promotion that takes long on a busy machine is not given up.
    pub(crate) fn of(primary: &Server) -> Standby {
        let server = Server::with(&format!("replicaof 127.0.0.1 {}", primary.port));
        let sentinel = Plain::with(
            &format!(
                "sentinel monitor main 127.0.0.1 {} 1\nsentinel down-after-milliseconds main 500\n\
                 sentinel failover-timeout main 15000\n",
                primary.port
            ),
            &["--sentinel"],
        );
        wait_until("the sentinel knows the replica", || {
            let known: Value = cmd("SENTINEL")
                .arg("REPLICAS")
                .arg("main")
                .query(&mut sentinel.client())
                .unwrap();
            format!("{known:?}").contains("bulk-string('\"master-link-status\"'), bulk-string('\"ok\"')")
        });
        Standby { server, sentinel }
    }

    /// Where the primary is asked for; the first sentinel is away.
    pub(crate) fn url(&self) -> String {
        let away = free_port();
        format!(
            "redis+sentinel://127.0.0.1:{away},127.0.0.1:{}/main",
            self.sentinel.port()
        )
    }

    /// Kills the primary, and waits until its replica has been promoted, which takes its place.
    pub(crate) fn take_over(&mut self, primary: &mut Server) {
        primary.kill();
        std::mem::swap(primary, &mut self.server);
        wait_until("the replica is promoted", || {
            let role = primary.try_call::<Vec<Value>>("ROLE");
            role.is_ok_and(|role| role[0] == Value::BulkString(b"master".to_vec()))
        });
    }
}
