//! A server without the module, or a sentinel.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::{Client, Connection};
use tempfile::TempDir;

use super::{free_port, wait_until};

pub(crate) struct Plain {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Plain {
    /// A server.
    pub(crate) fn start() -> Plain {
        Plain::with("", &[])
    }

    /// A server with these settings, and these arguments.
    pub(crate) fn with(settings: &str, args: &[&str]) -> Plain {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let text = format!("port {port}\nbind 127.0.0.1\n{settings}");
        std::fs::write(dir.path().join("conf"), text).unwrap();
        let binary = std::env::var("STEWARD_SERVER").unwrap_or_else(|_| "redis-server".into());
        let mut command = Command::new(binary);
        command
            .arg("conf")
            .args(args)
            .current_dir(dir.path())
            .stdout(Stdio::null());
        let child = command
            .spawn()
            .expect("a server: set STEWARD_SERVER or install redis-server");
        let server = Plain { child, port, _dir: dir };
        wait_until("it answers", || {
            Client::open(server.url()).unwrap().get_connection().is_ok()
        });
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn client(&self) -> Connection {
        let client = Client::open(self.url()).unwrap();
        client.get_connection_with_timeout(Duration::from_secs(10)).unwrap()
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
