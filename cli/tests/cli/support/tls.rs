//! A certificate for 127.0.0.1 that no authority but itself has signed.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

pub(crate) struct Certificate {
    dir: TempDir,
}

impl Certificate {
    pub(crate) fn new() -> Certificate {
        let dir = tempfile::tempdir().unwrap();
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test \
                     -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE -keyout key -out cert";
        let made = Command::new("openssl")
            .args(words.split_whitespace())
            .current_dir(&dir)
            .output();
        assert!(made.is_ok_and(|made| made.status.success()), "needs openssl");
        Certificate { dir }
    }

    pub(crate) fn cert(&self) -> PathBuf {
        self.dir.path().join("cert")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.dir.path().join("key")
    }
}
