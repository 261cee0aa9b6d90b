//! A real terminal, by tmux.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::{Server, Stage, in_shell, told, wait_until};

pub(crate) struct Terminal {
    dir: TempDir,
    _stage: Stage,
}

impl Terminal {
    /// One of this size with a shell, in which `steward` talks to this server.
    #[track_caller]
    pub(crate) fn start(server: &Server, width: u16, height: u16) -> Terminal {
        let (dir, stage) = (tempfile::tempdir().unwrap(), Stage::new());
        let socket = dir.path().join("s");
        let script = format!(
            "exec tmux -u -f /dev/null -S {} new-session -d -x {width} -y {height} 'exec sh'",
            socket.display()
        );
        let mut shell = in_shell(&script, server, &stage);
        shell.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env_remove("NO_COLOR");
        let (code, _, error) = told(&shell.output().unwrap());
        assert_eq!((code, &error[..]), (0, ""), "needs tmux");
        Terminal { dir, _stage: stage }
    }

    fn tmux(&self, words: &[&str]) -> String {
        let mut tmux = Command::new("tmux");
        let (code, out, error) = told(
            &tmux
                .arg("-S")
                .arg(self.dir.path().join("s"))
                .args(words)
                .output()
                .unwrap(),
        );
        assert_eq!(code, 0, "{error}");
        out
    }

    /// Types this, and the enter key.
    pub(crate) fn enter(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Types a key, such as `C-c`.
    pub(crate) fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Makes it of this size.
    pub(crate) fn resize(&self, width: u16, height: u16) {
        let (width, height) = (width.to_string(), height.to_string());
        self.tmux(&["resize-window", "-x", &width, "-y", &height]);
    }

    /// The name of the program that reads what is typed.
    pub(crate) fn reads(&self) -> String {
        let name = self.tmux(&["display-message", "-p", "#{pane_current_command}"]);
        name.trim_end().into()
    }

    /// What it shows, without colours.
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// What it shows, with the commands of colours.
    pub(crate) fn colours(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Waits until it shows this.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        wait_until(&format!("it shows {text}"), || self.screen().contains(text));
    }

    /// Waits until a line is so, and returns it.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let mut found = None;
        wait_until(what, || {
            found = self.screen().lines().find(|line| is_so(line)).map(str::to_string);
            found.is_some()
        });
        found.unwrap()
    }

    /// Runs a command to its end, on an empty screen, and returns what it shows then.
    #[track_caller]
    pub(crate) fn run(&self, command: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let end = COUNT.fetch_add(1, Ordering::Relaxed);
        self.enter(&format!("clear; {command}; echo end\"ed\"-{end}"));
        let end = format!("\nended-{end}\n");
        wait_until("it ends", || self.screen().contains(&end));
        self.screen().split(&end).next().unwrap().to_string()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut tmux = Command::new("tmux");
        let _ = tmux
            .arg("-S")
            .arg(self.dir.path().join("s"))
            .arg("kill-server")
            .output();
    }
}
