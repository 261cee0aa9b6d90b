//! Programs by name, as a shell finds them.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The codes of a shell.
const NOT_FOUND: u8 = 127;
const NOT_EXECUTABLE: u8 = 126;

/// Fails, as a shell would, when there is no such program or it is not executable.
pub(crate) fn ensure(name: &OsStr) -> Result<(), Failure> {
    let shown = name.to_string_lossy();
    let found = if shown.contains('/') {
        Some(PathBuf::from(name)).filter(|path| path.exists())
    } else {
        on_path(name).or_else(|| on_path_where(name, |path| path.is_file()))
    };
    match found {
        None => Err(Failure::new(NOT_FOUND, format!("{shown}: not found"))),
        Some(path) if !is_executable(&path) => Err(Failure::new(NOT_EXECUTABLE, format!("{shown}: not executable"))),
        Some(_) => Ok(()),
    }
}

/// The failure of an exec.
pub(crate) fn not_started(name: &OsStr, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::NotFound {
        NOT_FOUND
    } else {
        NOT_EXECUTABLE
    };
    Failure::new(code, format!("{}: {error}", name.to_string_lossy()))
}

/// The executable file of this name on the path.
pub(crate) fn on_path(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    on_path_where(name.as_ref(), is_executable)
}

fn on_path_where(name: &OsStr, is_it: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| is_it(file))
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}
