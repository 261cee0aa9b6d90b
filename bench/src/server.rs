//! The benchmark's servers, each in its own folder, stopped when dropped; and what they have used.

use crate::Result;
use crate::connection::Connection;
use crate::instructions;
use std::fs::{File, create_dir_all, read_to_string, remove_dir_all};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Fails if a server takes longer than this to start, or to write its AOF.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often INFO is asked for the end of a write to the AOF: seldom, as asking costs the server CPU too.
const AOF_POLL: Duration = Duration::from_millis(20);
/// Name of the unix socket in the server's folder.
const SOCKET: &str = "socket";
/// Connections of ten thousand members and some more.
const MAX_CLIENTS: &str = "10500";
static STARTED: AtomicU32 = AtomicU32::new(0);

/// Whether a server keeps an append-only file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aof {
    /// None.
    Off,
    /// One that is synced to the disk each second.
    Everysec,
}

/// A running server.
pub struct Server {
    process: Child,
    port: u16,
    folder: PathBuf,
}

impl Server {
    /// Starts the server that `STEWARD_SERVER` names, else `redis-server` or `valkey-server` of the PATH.
    pub fn start(module: Option<&Path>, aof: Aof) -> Result<Server> {
        Server::launch(module, aof, false)
    }

    /// Starts one whose instructions callgrind can count.
    pub fn counting(module: &Path, aof: Aof) -> Result<Server> {
        Server::launch(Some(module), aof, true)
    }

    fn launch(module: Option<&Path>, aof: Aof, counting: bool) -> Result<Server> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("steward-bench-{}-{number}", std::process::id()));
        create_dir_all(&folder)?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let process = spawn(&folder, port, module, aof, counting).inspect_err(|_| drop(remove_dir_all(&folder)))?;
        let mut server = Server { process, port, folder };
        let start = Instant::now();
        while start.elapsed() < PATIENCE && server.process.try_wait()?.is_none() {
            if server
                .connect()
                .and_then(|mut connection| connection.command("PING"))
                .is_ok()
            {
                return Ok(server);
            }
            sleep(Duration::from_millis(5));
        }
        let log = read_to_string(server.folder.join("log")).unwrap_or_default();
        Err(format!("the server did not start; its log:\n{log}").into())
    }

    /// A new connection.
    pub fn connect(&self) -> Result<Connection> {
        Connection::open(self.port)
    }

    /// Its port of the loopback interface.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A file in its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The path of its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join(SOCKET)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failure here cannot be handled, and does not affect the measurements.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(remove_dir_all(&self.folder));
    }
}

fn spawn(folder: &Path, port: u16, module: Option<&Path>, aof: Aof, counting: bool) -> Result<Child> {
    let named = std::env::var("STEWARD_SERVER").ok().filter(|name| !name.is_empty());
    let mut failure = String::new();
    for binary in named.map_or(vec!["redis-server".into(), "valkey-server".into()], |name| vec![name]) {
        let mut command = if counting {
            instructions::command(folder, &binary)
        } else {
            Command::new(&binary)
        };
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--maxclients",
            MAX_CLIENTS,
        ]);
        // A rewrite in the middle of a measurement would cost CPU and shrink the file that is measured.
        command.args(["--auto-aof-rewrite-percentage", "0", "--appendfsync", "everysec"]);
        command
            .args(["--appendonly", if aof == Aof::Off { "no" } else { "yes" }])
            .arg("--dir")
            .arg(folder)
            .arg("--unixsocket")
            .arg(folder.join(SOCKET));
        if let Some(module) = module {
            command.arg("--loadmodule").arg(module);
        }
        command
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(File::create(folder.join("log"))?);
        match command.spawn() {
            Ok(process) => return Ok(process),
            Err(error) => failure = format!("{binary}: {error}"),
        }
    }
    Err(format!("cannot start a server ({failure}); install redis-server or set STEWARD_SERVER").into())
}

/// The resources that a server has used since its start, or for some work.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// CPU of all its threads, user and system, in µs.
    pub cpu_us: f64,
    /// Memory it has allocated, less the buffers of its clients, in bytes.
    pub memory_bytes: f64,
    /// Length of its append-only file; 0 without one.
    pub aof_bytes: f64,
}

impl Usage {
    /// What the server has used so far, once all it had to append to its AOF is written.
    pub fn read(control: &mut Connection) -> Result<Usage> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let info = control.command("INFO persistence")?.text();
            if info_number(&info, "aof_buffer_length") + info_number(&info, "aof_pending_bio_fsync") == 0.0 {
                break;
            }
            sleep(AOF_POLL);
        }
        let info = control.command("INFO")?.text();
        Ok(Usage {
            cpu_us: (info_number(&info, "used_cpu_user") + info_number(&info, "used_cpu_sys")) * 1e6,
            memory_bytes: info_number(&info, "used_memory") - info_number(&info, "mem_clients_normal"),
            aof_bytes: info_number(&info, "aof_current_size"),
        })
    }

    /// What was used since `before`, for each of that many tasks.
    pub fn since(&self, before: &Usage, tasks: usize) -> Usage {
        let each = |after: f64, before: f64| (after - before) / tasks as f64;
        Usage {
            cpu_us: each(self.cpu_us, before.cpu_us),
            memory_bytes: each(self.memory_bytes, before.memory_bytes),
            aof_bytes: each(self.aof_bytes, before.aof_bytes),
        }
    }
}

/// A field of INFO; 0 when the server does not have it, as those of an AOF that is off.
pub fn info_number(info: &str, name: &str) -> f64 {
    let mut fields = info
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(field, _)| *field == name);
    fields
        .next()
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0.0)
}
