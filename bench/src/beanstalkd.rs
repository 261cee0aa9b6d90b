//! The life of a task beside beanstalkd's: put, reserve, delete, with the payload, the connections and the steady load
//! of the section `cpu`, one task a request. (In the phased load a connection holds 2,000 tasks at once, which no worker
//! does: beanstalkd then walks them all at each delete.) A task is deleted by the connection that reserved it, as
//! beanstalkd demands. Without AOF it has no binlog; beside `everysec` it has one that is synced once a second
//! (`-f 1000`; its default is 50 ms). Its CPU is what the kernel has counted for its only thread.

use crate::Result;
use crate::contender::{CONNECTIONS, Contender, IN_FLIGHT};
use crate::options::Options;
use crate::recipes::PAYLOAD;
use crate::report::{Aim, Report};
use crate::server::Aof;
use std::fs::{create_dir_all, read_to_string, remove_dir_all};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const TASKS: usize = 100_000;
/// It must accept connections by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Prints the section.
pub fn run(options: &Options, report: &mut Report) -> Result<()> {
    let tasks = options.tasks(TASKS);
    for aof in [Aof::Off, Aof::Everysec] {
        let mut steward = Contender::steward(&options.module, aof)?;
        let mut beanstalkd = Beanstalkd::start(aof)?;
        let rounds = (0..options.rounds(5))
            .map(|_| Ok(steward.live_steadily(tasks, 1)? / beanstalkd.live_steadily(tasks)?))
            .collect::<Result<Vec<_>>>()?;
        report.section(&format!("CPU per task beside beanstalkd: AOF {aof:?}, {tasks} tasks"));
        report.figure(
            &format!("steady, {IN_FLIGHT} tasks in flight: whole life / beanstalkd"),
            rounds,
            Aim::None,
        );
    }
    Ok(())
}

/// A running beanstalkd and its clients.
struct Beanstalkd {
    process: Child,
    folder: PathBuf,
    clients: Vec<Client>,
}

struct Client {
    stream: BufReader<TcpStream>,
    reserved: Vec<String>,
}

impl Beanstalkd {
    fn start(aof: Aof) -> Result<Beanstalkd> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let folder = std::env::temp_dir().join(format!("steward-bench-{}-beanstalkd-{port}", std::process::id()));
        create_dir_all(&folder)?;
        let mut command = Command::new("beanstalkd");
        command.args(["-l", "127.0.0.1", "-p", &port.to_string()]);
        if aof == Aof::Everysec {
            command.arg("-b").arg(&folder).args(["-f", "1000"]);
        }
        let process = command
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("beanstalkd: {error}; scripts/deps --rivals installs it"))?;
        let mut server = Beanstalkd {
            process,
            folder,
            clients: Vec::new(),
        };
        let start = Instant::now();
        while server.clients.len() < CONNECTIONS {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(PATIENCE))?;
                    server.clients.push(Client {
                        stream: BufReader::new(stream),
                        reserved: Vec::new(),
                    });
                }
                Err(error) if start.elapsed() > PATIENCE => return Err(error.into()),
                Err(_) => sleep(Duration::from_millis(5)),
            }
        }
        Ok(server)
    }

    /// That many tasks, of which `IN_FLIGHT` are added, reserved and deleted before the next are; CPU of a task, µs.
    fn live_steadily(&mut self, tasks: usize) -> Result<f64> {
        let (before, turns) = (self.cpu_us()?, tasks / IN_FLIGHT);
        for _ in 0..turns {
            self.turn(put, |_, reply| expect("INSERTED", &reply))?;
            self.turn(reserve, Client::reserved)?;
            self.turn(delete, |_, reply| expect("DELETED", &reply))?;
        }
        Ok((self.cpu_us()? - before) / (turns * IN_FLIGHT) as f64)
    }

    /// Sends `IN_FLIGHT` requests, in turn on each connection, and reads a line of reply to each.
    fn turn(
        &mut self,
        write: fn(&mut Vec<u8>, &mut Client),
        read: fn(&mut Client, String) -> Result<()>,
    ) -> Result<()> {
        const DEPTH: usize = IN_FLIGHT / CONNECTIONS;
        for client in &mut self.clients {
            let mut out = Vec::new();
            (0..DEPTH).for_each(|_| write(&mut out, client));
            client.stream.get_mut().write_all(&out)?;
        }
        for client in &mut self.clients {
            for _ in 0..DEPTH {
                let line = client.line()?;
                read(client, line)?;
            }
        }
        Ok(())
    }

    /// CPU of its thread, µs.
    fn cpu_us(&self) -> Result<f64> {
        let schedule = read_to_string(format!("/proc/{}/schedstat", self.process.id()))?;
        let running: f64 = schedule.split(' ').next().unwrap_or_default().parse()?;
        Ok(running / 1_000.0)
    }
}

impl Drop for Beanstalkd {
    fn drop(&mut self) {
        // A failure here cannot be handled, and does not affect the measurements.
        drop(self.process.kill());
        drop(self.process.wait());
        drop(remove_dir_all(&self.folder));
    }
}

impl Client {
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line)
    }

    /// The reply to `reserve`, and the payload after it.
    fn reserved(&mut self, reply: String) -> Result<()> {
        expect("RESERVED", &reply)?;
        self.reserved.extend(reply.split(' ').nth(1).map(str::to_string));
        self.line().map(drop)
    }
}

fn put(out: &mut Vec<u8>, _: &mut Client) {
    out.extend_from_slice(format!("put 0 0 60 {}\r\n{PAYLOAD}\r\n", PAYLOAD.len()).as_bytes());
}

fn reserve(out: &mut Vec<u8>, _: &mut Client) {
    out.extend_from_slice(b"reserve\r\n");
}

fn delete(out: &mut Vec<u8>, client: &mut Client) {
    let id = client.reserved.pop().unwrap_or_default();
    out.extend_from_slice(format!("delete {id}\r\n").as_bytes());
}

fn expect(word: &str, reply: &str) -> Result<()> {
    if reply.starts_with(word) {
        Ok(())
    } else {
        Err(format!("beanstalkd answered {reply:?}, not {word}").into())
    }
}
