//! Where the server and the module are.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::program::on_path;

/// Where a module is installed.
const INSTALLED: [&str; 4] = [
    "/usr/local/lib/steward",
    "/usr/lib/steward",
    "/usr/lib/redis/modules",
    "/usr/lib/valkey/modules",
];

/// The server to start: the named one, or what is on the path.
pub(super) fn server(named: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = named {
        return Ok(path.into());
    }
    let names = ["redis-server", "valkey-server"];
    names.iter().find_map(on_path).ok_or_else(|| {
        Failure::unavailable("neither redis-server nor valkey-server is in PATH: install one, or use --server")
    })
}

/// The module to load: the named one, or one beside this program, or an installed one.
pub(super) fn module(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let file = format!(
        "{}steward{}",
        std::env::consts::DLL_PREFIX,
        std::env::consts::DLL_SUFFIX
    );
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join(&file)));
    let installed = INSTALLED.iter().map(|dir| Path::new(dir).join(&file));
    let found = match named {
        Some(path) => Some(path.to_path_buf()).filter(|path| path.is_file()),
        None => beside.into_iter().chain(installed).find(|path| path.is_file()),
    };
    // The server starts in another directory.
    found.and_then(|path| path.canonicalize().ok()).ok_or_else(|| {
        Failure::unavailable(format!(
            "{file} does not exist: build it with `make build`, or name it with --module"
        ))
    })
}
