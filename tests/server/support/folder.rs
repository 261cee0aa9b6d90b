//! A folder of programs that call redis-cli, and the processes they become.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::server::Server;

/// The command line client of Redis or Valkey.
pub(crate) fn cli() -> &'static str {
    let found = Command::new("redis-cli").arg("--version").output().is_ok();
    if found { "redis-cli" } else { "valkey-cli" }
}

/// A folder of programs, for which redis-cli is the client of this server.
pub(crate) struct Folder {
    dir: TempDir,
    socket: PathBuf,
}

impl Folder {
    /// A folder with redis-cli only; with `-p` or `--cluster` it asks the server that it names instead.
    pub(crate) fn new(server: &Server) -> Folder {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder {
            dir,
            socket: server.socket(),
        };
        let client = format!(
            "#!/bin/sh\nPATH=${{PATH#*:}}\ncase \" $* \" in *' -p '* | *' --cluster '*) ;; *) set -- -s \"$SOCKET\" \"$@\" ;; esac\n\
             exec {} $FORM \"$@\"\n",
            cli()
        );
        folder.add("redis-cli", &client);
        folder
    }

    /// From now on redis-cli has these options.
    pub(crate) fn go_through(&self, options: &str) {
        let client = format!("#!/bin/sh\nPATH=${{PATH#*:}}\nexec {} {options} \"$@\"\n", cli());
        self.add("redis-cli", &client);
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Puts a program there.
    pub(crate) fn add(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The lines of a file that programs write; none when it is not there.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path().join(name)).unwrap_or_default();
        text.lines().map(String::from).collect()
    }

    /// A command that runs here.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = format!("{}:{}", self.path().display(), std::env::var("PATH").unwrap());
        command
            .current_dir(self.path())
            .env("PATH", path)
            .env("SOCKET", &self.socket)
            .env("FORM", "");
        command
    }

    /// A program of the folder, which sees the environment variable.
    pub(crate) fn program(&self, words: &[&str], (name, value): (&str, &str)) -> Command {
        let mut command = self.command(self.path().join(words[0]));
        command.args(&words[1..]).env(name, value).stdout(Stdio::null());
        command
    }
}

/// A process, killed with its children when dropped.
pub(crate) struct Process(Child);

impl Process {
    /// Starts it, with a process group of its own.
    #[track_caller]
    pub(crate) fn spawn(program: &mut Command) -> Process {
        Process(program.process_group(0).spawn().unwrap())
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> i64 {
        self.0.id().into()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.exit().is_some()
    }

    /// How it has ended.
    pub(crate) fn exit(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }

    /// Kills it with -9, but not its children.
    pub(crate) fn kill_alone(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Sends a signal to it and its children.
    pub(crate) fn signal(&self, signal: &str) {
        self.send(signal, &format!("-{}", self.0.id()));
    }

    /// Sends a signal to it, but not to its children.
    pub(crate) fn signal_alone(&self, signal: &str) {
        self.send(signal, &self.0.id().to_string());
    }

    fn send(&self, signal: &str, to: &str) {
        let _ = Command::new("kill")
            .args([signal, "--", to])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal("-9");
        let _ = self.0.wait();
    }
}
