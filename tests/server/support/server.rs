//! A server with the module, in a directory of its own that is removed when dropped.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::builder::Builder;
use super::client::Client;
use super::process::die_with_parent;
use super::value::Value;

/// A server that takes longer to start or to stop fails the test.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A server process.
pub(crate) struct Server {
    pub(super) dir: TempDir,
    pub(super) builder: Builder,
    pub(super) child: Option<Child>,
    port: u16,
    bus_port: u16,
}

impl Server {
    /// Settings of a server with the module, on a unix socket only, that saves nothing by itself.
    pub(crate) fn builder() -> Builder {
        Builder::new()
    }

    /// A server with the module.
    #[track_caller]
    pub(crate) fn start() -> Server {
        Server::builder().start()
    }

    #[track_caller]
    pub(super) fn of(builder: Builder) -> Server {
        let mut server = Server {
            dir: tempfile::tempdir().unwrap(),
            builder,
            child: None,
            port: 0,
            bus_port: 0,
        };
        // Another process may take the port between our check and the server's bind.
        for _ in 0..5 {
            server.port = if server.builder.listens { free_port() } else { 0 };
            server.bus_port = if server.builder.cluster { free_port() } else { 0 };
            if server.launch() {
                return server;
            }
        }
        panic!("the server does not start:\n{}", server.log_tail());
    }

    /// A RESP3 connection.
    #[track_caller]
    pub(crate) fn client(&self) -> Client {
        let mut client = self.client_resp2();
        assert!(!client.call("HELLO 3").is_error());
        client
    }

    /// A RESP2 connection.
    #[track_caller]
    pub(crate) fn client_resp2(&self) -> Client {
        Client::connect(&self.socket()).unwrap_or_else(|| panic!("no connection:\n{}", self.log_tail()))
    }

    /// The loopback port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The port of the cluster's bus.
    pub(crate) fn bus_port(&self) -> u16 {
        self.bus_port
    }

    /// Its directory, where it keeps its dump, its append-only files and its log.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Everything it has logged, and what a sanitizer has written beside it.
    pub(crate) fn log(&self) -> String {
        let names = std::fs::read_dir(self.dir())
            .unwrap()
            .map(|file| file.unwrap().file_name());
        let logs = names.filter(|name| name == "log" || name.to_string_lossy().starts_with("asan."));
        let texts = logs.map(|name| std::fs::read(self.dir().join(name)).unwrap_or_default());
        texts.map(|text| String::from_utf8_lossy(&text).into_owned()).collect()
    }

    /// Its unix socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.dir().join("s")
    }

    pub(super) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    /// Writes redis.conf and starts the process; false when it ended instead of serving.
    pub(super) fn launch(&mut self) -> bool {
        let port = self.port.to_string();
        let mut settings: Vec<(&str, &str)> = vec![
            ("port", &port),
            ("bind", "127.0.0.1"),
            ("unixsocket", "s"),
            ("logfile", "log"),
            ("save", ""),
            ("repl-diskless-sync-delay", "0"),
            ("enable-debug-command", "yes"),
            ("enable-module-command", "yes"),
        ];
        let bus_port = self.bus_port.to_string();
        if self.builder.cluster {
            settings.push(("cluster-port", &bus_port));
        }
        // By a link, since CONFIG REWRITE does not quote the path and the project may stand in any folder.
        let module = self.dir().join("module.so");
        if !module.exists() {
            std::os::unix::fs::symlink(self::module(), &module).unwrap();
        }
        let module = module.display().to_string();
        if self.builder.module {
            settings.push(("loadmodule", &module));
        }
        settings.extend(
            self.builder
                .settings
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        // A file, not arguments: CONFIG REWRITE needs one.
        let text: String = settings
            .iter()
            .map(|(name, value)| format!("{name} {}\n", quoted(value)))
            .collect();
        std::fs::write(self.dir().join("redis.conf"), text).unwrap();
        self.spawn()
    }

    pub(super) fn spawn(&mut self) -> bool {
        let mut command = Command::new(server_binary());
        command.arg("redis.conf").current_dir(self.dir());
        if self.builder.sentinel {
            command.arg("--sentinel");
        }
        command.envs(self.builder.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        die_with_parent(&mut command);
        self.child = Some(
            command
                .spawn()
                .expect("a server: set STEWARD_SERVER or install redis-server"),
        );
        let start = Instant::now();
        loop {
            let pong = Client::connect(&self.socket()).and_then(|mut client| {
                client.send("PING");
                client.try_receive().ok()
            });
            if pong.is_some_and(|reply| !reply.is_error() || reply.code() == "NOAUTH") {
                return true;
            }
            if self
                .child
                .as_mut()
                .is_some_and(|child| child.try_wait().unwrap().is_some())
            {
                self.child = None;
                return false;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "the server does not answer:\n{}",
                self.log_tail()
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Client {
    /// How many clients are blocked.
    #[track_caller]
    pub(crate) fn blocked_clients(&mut self) -> i64 {
        self.info("blocked_clients").parse().unwrap()
    }

    /// CPU the server's main thread has used so far, in seconds.
    #[track_caller]
    pub(crate) fn cpu(&mut self) -> f64 {
        let mut used = |field: &str| self.info(field).parse::<f64>().unwrap();
        used("used_cpu_user_main_thread") + used("used_cpu_sys_main_thread")
    }

    /// CPU that the server's main thread uses for this, in seconds.
    #[track_caller]
    pub(crate) fn cpu_of<R>(&mut self, work: impl FnOnce(&mut Client) -> R) -> f64 {
        let before = self.cpu();
        work(self);
        self.cpu() - before
    }

    /// One field of INFO, "" when it is not there.
    #[track_caller]
    pub(crate) fn info(&mut self, field: &str) -> String {
        info_field(&self.call("INFO everything"), field)
    }
}

/// A field of the reply to INFO, "" when it is not there.
#[track_caller]
pub(super) fn info_field(info: &Value, field: &str) -> String {
    let info = info.text();
    let mut lines = info.lines();
    let found = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    found.unwrap_or_default().to_string()
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.child.as_mut().and_then(|child| {
            let ended = child.try_wait().ok().flatten();
            let _ = child.kill();
            let _ = child.wait();
            ended
        });
        if std::thread::panicking() {
            eprintln!("log of the server in {}:\n{}", self.dir().display(), self.log_tail());
            return;
        }
        let log = self.log();
        let crashed = [
            "BUG REPORT START",
            "crashed by signal",
            "ASSERTION FAILED",
            "panicked",
            "Sanitizer:",
        ];
        assert!(
            !crashed.iter().any(|sign| log.contains(sign)),
            "the server crashed:\n{}",
            self.log_tail()
        );
        assert!(
            ended.is_none(),
            "the server ended by itself: {ended:?}\n{}",
            self.log_tail()
        );
    }
}

/// The server to test with: `STEWARD_SERVER`, or what is installed.
pub(crate) fn server_binary() -> String {
    std::env::var("STEWARD_SERVER").unwrap_or_else(|_| {
        let on_path = |name: &str| {
            std::env::var_os("PATH")
                .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
        };
        if on_path("redis-server") {
            "redis-server".into()
        } else {
            "valkey-server".into()
        }
    })
}

/// The module to test: `STEWARD_MODULE`, or what cargo has built beside this test.
pub(crate) fn module() -> String {
    if let Ok(path) = std::env::var("STEWARD_MODULE") {
        return path;
    }
    let name = format!(
        "{}steward{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let path = std::env::current_exe().unwrap().with_file_name(name);
    assert!(path.exists(), "{} is not there", path.display());
    path.display().to_string()
}

/// A free loopback port.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A value quoted for redis.conf: words stay words, an empty value becomes "".
fn quoted(value: &str) -> String {
    if value.is_empty() { "\"\"".into() } else { value.into() }
}
