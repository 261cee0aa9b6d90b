//! A server, by `steward dev`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use redis::{Client, Connection, FromRedisValue, cmd};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{free_port, steward, told, wait_until};

pub(crate) struct Server {
    child: Option<Child>,
    pub port: u16,
    dir: TempDir,
    settings: String,
}

impl Server {
    /// A server with the module, which keeps its data.
    pub(crate) fn start() -> Server {
        Server::with("")
    }

    /// The same with more settings, as in redis.conf.
    pub(crate) fn with(settings: &str) -> Server {
        let mut server = Server {
            child: None,
            port: free_port(),
            dir: tempfile::tempdir().unwrap(),
            settings: settings.into(),
        };
        server.start_again();
        server
    }

    /// The two primaries of a cluster.
    pub(crate) fn cluster() -> [Server; 2] {
        let nodes = [(); 2].map(|()| Server::with(&format!("cluster-enabled yes\ncluster-port {}", free_port())));
        for (node, (from, to)) in nodes.iter().zip([(0, 8191), (8192, 16383)]) {
            let _: redis::Value = node.call(&format!("CLUSTER ADDSLOTSRANGE {from} {to}"));
        }
        let _: redis::Value = nodes[0].call("CLUSTER SET-CONFIG-EPOCH 1");
        let _: redis::Value = nodes[1].call("CLUSTER SET-CONFIG-EPOCH 2");
        let bus = nodes[1].call::<(String, String)>("CONFIG GET cluster-port").1;
        let _: redis::Value = nodes[0].call(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", nodes[1].port));
        for node in &nodes {
            wait_until("the cluster is up", || {
                let info: String = node.call("CLUSTER INFO");
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2")
            });
        }
        nodes
    }

    /// Starts it again on its port, with its data.
    pub(crate) fn start_again(&mut self) {
        let conf = self.dir.path().join("conf");
        std::fs::write(&conf, &self.settings).unwrap();
        let mut command = steward(&["dev", "--port", &self.port.to_string()]);
        command.arg("--dir").arg(self.dir.path()).arg("--conf").arg(conf);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line.trim_end(), self.url(), "it starts");
        self.child = Some(child);
    }

    /// Kills it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        let pid: i32 = self.info("process_id").parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
        assert_eq!(self.child.take().unwrap().wait().unwrap().code(), Some(69));
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn client(&self) -> Connection {
        let client = Client::open(self.url()).unwrap();
        client.get_connection_with_timeout(Duration::from_secs(10)).unwrap()
    }

    /// The reply to a command in words.
    #[track_caller]
    pub(crate) fn call<T: FromRedisValue>(&self, command: &str) -> T {
        self.try_call(command).unwrap()
    }

    /// The same, of a server that may close the connection: Sentinel closes those of the server that it promotes.
    pub(crate) fn try_call<T: FromRedisValue>(&self, command: &str) -> redis::RedisResult<T> {
        let mut words = command.split(' ');
        let mut built = cmd(words.next().unwrap());
        words.for_each(|word| {
            built.arg(word);
        });
        let client = Client::open(self.url())?;
        built.query(&mut client.get_connection_with_timeout(Duration::from_secs(10))?)
    }

    /// A field of INFO.
    pub(crate) fn info(&self, field: &str) -> String {
        let info: String = self.call("INFO everything");
        let found = info
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.unwrap_or_default().to_string()
    }

    /// The names of the members of a service.
    pub(crate) fn members(&self, service: &str) -> Vec<String> {
        let listed: (String, Vec<std::collections::HashMap<String, redis::Value>>) =
            self.call(&format!("PID.LIST {service} COUNT 100"));
        let name = |fields: std::collections::HashMap<String, redis::Value>| {
            redis::from_redis_value(fields["member"].clone()).unwrap()
        };
        listed.1.into_iter().map(name).collect()
    }

    /// Waits until so many are members.
    #[track_caller]
    pub(crate) fn wait_for_members(&self, service: &str, count: usize) {
        wait_until("they are members", || self.members(service).len() == count);
    }

    /// Runs `steward` to its end: code, output, error.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> (i32, String, String) {
        told(&steward(words).env("REDIS_URL", self.url()).output().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Its server goes with it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
