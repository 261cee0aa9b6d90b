//! `make install`, and what `make dist` checks. The Debian packages have a test of their own, `make test-packages`.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::support::{module, told};

fn script(name: &str) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(name));
    for name in ["PREFIX", "MODULEDIR", "DESTDIR"] {
        command.env_remove(name);
    }
    command
}

/// All files below, with their paths from there.
fn files(dir: &Path) -> Vec<String> {
    let output = Command::new("find")
        .args([".", "-type", "f"])
        .current_dir(dir)
        .output()
        .unwrap();
    told(&output).1.lines().map(|line| line[1..].to_string()).collect()
}

#[test]
fn all_is_installed_and_uninstalled() {
    let dir = TempDir::new().unwrap();
    let built = dir.path().join("built/release");
    std::fs::create_dir_all(&built).unwrap();
    symlink(env!("CARGO_BIN_EXE_steward"), built.join("steward")).unwrap();
    symlink(module(), built.join("libsteward.so")).unwrap();
    let root = dir.path().join("root");
    let run = |options: &[&str]| {
        let mut install = script("install");
        install.args(options).env("CARGO_TARGET_DIR", dir.path().join("built"));
        install.env("DESTDIR", &root).env("PREFIX", "/opt/s");
        let (code, _, error) = told(&install.output().unwrap());
        assert_eq!((code, &error[..]), (0, ""));
    };
    run(&[]);
    let installed = files(&root);
    for file in [
        "/opt/s/bin/steward",
        "/opt/s/lib/steward/libsteward.so",
        "/opt/s/lib/systemd/system/steward-work@.service",
        "/opt/s/share/bash-completion/completions/steward",
        "/opt/s/share/doc/steward/work-mail.env",
        "/opt/s/share/fish/vendor_completions.d/steward.fish",
        "/opt/s/share/man/man1/steward-lead.1",
        "/opt/s/share/zsh/site-functions/_steward",
    ] {
        assert!(installed.iter().any(|found| found == file), "{file}: {installed:?}");
    }
    let read = |file: &str| std::fs::read_to_string(root.join("opt/s").join(file)).unwrap();
    assert!(read("lib/systemd/system/steward-web.service").contains("\nExecStart=/opt/s/bin/steward web\n"));
    assert!(read("share/doc/steward/redis.conf.example").contains("\nloadmodule /opt/s/lib/steward/libsteward.so\n"));
    let (code, version, _) = told(
        &Command::new(root.join("opt/s/bin/steward"))
            .arg("--version")
            .output()
            .unwrap(),
    );
    assert_eq!((code, version), (0, format!("steward {}", env!("CARGO_PKG_VERSION"))));

    // Of others.
    std::fs::write(root.join("opt/s/bin/other"), "").unwrap();
    run(&["--uninstall"]);
    assert_eq!(files(&root), ["/opt/s/bin/other"]);
    assert!(!root.join("opt/s/lib/steward").exists());
}

#[test]
fn what_is_not_built_is_not_installed() {
    let dir = TempDir::new().unwrap();
    let mut install = script("install");
    install
        .env("CARGO_TARGET_DIR", dir.path())
        .env("DESTDIR", dir.path().join("root"));
    let (code, _, error) = told(&install.output().unwrap());
    assert!(code == 1 && error.contains("make build cli"), "{error}");
    assert_eq!(files(dir.path()), Vec::<String>::new());
}

#[test]
fn a_newer_c_library_than_allowed_is_found() {
    let files = [env!("CARGO_BIN_EXE_steward").to_string(), module()];
    let (code, _, error) = told(&script("glibc").arg("99").args(&files).output().unwrap());
    assert_eq!((code, &error[..]), (0, ""));
    let (code, _, error) = told(&script("glibc").arg("2.1").args(&files).output().unwrap());
    assert_eq!(code, 1);
    for file in files {
        assert!(error.contains(&format!("{file} needs glibc 2.")), "{error}");
    }
}
