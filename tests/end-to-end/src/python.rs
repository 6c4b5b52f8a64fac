//! The notifier of the replaced system, in Python (`python/notifier.py`), with the client library it was written for.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use sluice_servers::{Launch, Process, cache_folder};

const LIBRARY: &str = "confluent-kafka==2.16.1";
const MISSING: &str = "type:  sudo apt-get install -y python3 python3-venv  and run the same command again";

/// A running `notifier.py`; dropping it ends it.
pub struct PythonNotifier {
    process: Process,
    log: PathBuf,
}

impl PythonNotifier {
    /// Starts it; its log lies in `folder`.
    pub fn run(folder: &Path, bootstrap: &str, topic: &str, url: &str) -> Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/notifier.py");
        let log = folder.join("python.log");
        let process = Process::spawn(&Launch {
            program: python()?,
            arguments: vec![script.into(), bootstrap.into(), topic.into(), url.into()],
            environment: vec![("PYTHONDONTWRITEBYTECODE", "1".into())],
            folder: folder.to_path_buf(),
            log: log.clone(),
            as_nobody: false,
        })?;
        Ok(Self { process, log })
    }

    /// Fails if it ended by itself, with its last words.
    pub fn is_running(&mut self) -> Result<bool> {
        match self.process.ended()? {
            None => Ok(true),
            Some(status) => bail!("notifier.py ended ({status}): {}", fs::read_to_string(&self.log)?),
        }
    }

    pub fn stop(self) -> Result<()> {
        self.process.stop(Duration::from_secs(5))
    }
}

/// The interpreter of an environment in the cache folder that has the library; made by the first call on a machine.
fn python() -> Result<PathBuf> {
    let parent = cache_folder()?;
    let folder = parent.join("python-notifier");
    fs::create_dir_all(&parent)?;
    let lock = File::create(parent.join("python-notifier.lock"))?;
    lock.lock()?;
    let (python, done) = (folder.join("bin/python3"), folder.join(LIBRARY));
    if !(done.exists() && python.exists()) {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
        let made = made.with_context(|| format!("python3 is missing; {MISSING}"))?;
        check(&made, "python3 -m venv", MISSING)?;
        let installed = Command::new(&python).args(["-m", "pip", "install", "--quiet", LIBRARY]).output()?;
        check(&installed, &format!("pip install {LIBRARY}"), "look at the network and at pip's configuration")?;
        File::create(done)?;
    }
    Ok(python)
}

fn check(output: &Output, what: &str, advice: &str) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    // The venv module tells what is missing on its standard output.
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    bail!("{what} failed; {advice}\n{}", String::from_utf8_lossy(&said))
}
