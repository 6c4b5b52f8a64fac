use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use sluice_deploy::sluice;
use sluice_servers::{Launch, Process};

use crate::read;

const UNIT: &str = "deploy/systemd/sluice.service";
const CONFIG: &str = "deploy/systemd/sluice.yaml";
/// The most exposure, in tenths: what is left is a network, its own compiler, and the file system to read.
const EXPOSURE: &str = "15";

/// The unit as it is installed, with the binary of this build for that of /usr/local/bin.
fn installed(folder: &Path) -> PathBuf {
    let unit = read(UNIT).replace("/usr/local/bin/sluice", sluice().unwrap().to_str().unwrap());
    let file = folder.join("sluice.service");
    fs::write(&file, unit).unwrap();
    file
}

/// `systemd-analyze`, where there is one.
fn analyze(arguments: &[&str]) -> Option<Output> {
    match Command::new("systemd-analyze").args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("NOT CHECKED: systemd-analyze {}: {error}; type: apt-get install systemd", arguments.join(" "));
            None
        }
    }
}

#[test]
fn systemd_understands_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = installed(folder.path());
    let Some(output) = analyze(&["verify", unit.to_str().unwrap()]) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    // Of the machine's own units, which are not ours to mend, it may say anything.
    let of_ours: Vec<&str> = said.lines().filter(|line| line.contains("sluice")).collect();
    assert!(output.status.success() && of_ours.is_empty(), "{said}");
}

#[test]
fn the_unit_gives_little_away() {
    let folder = tempfile::tempdir().unwrap();
    let unit = installed(folder.path());
    let threshold = format!("--threshold={EXPOSURE}");
    let Some(output) = analyze(&["security", "--offline=true", "--no-pager", &threshold, unit.to_str().unwrap()])
    else {
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_config_is_sound_and_takes_its_passwords_from_the_units_credentials() {
    let (unit, config) = (read(UNIT), read(CONFIG));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sluice.yaml");
    fs::write(&file, &config).unwrap();
    let output = Command::new(sluice().unwrap()).arg("check").arg("--config").arg(&file).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let named =
        config.match_indices("sluice.service}/").map(|(at, mark)| config[at + mark.len()..].split('"').next().unwrap());
    let mut count = 0;
    for name in named {
        count += 1;
        assert!(unit.contains(&format!("LoadCredential={name}:/etc/sluice/credentials/{name}\n")), "{name}");
    }
    assert_eq!(count, 2);
}

/// The unit's times fit those of the process.
#[test]
fn a_stop_ends_before_systemd_loses_patience() {
    let unit = read(UNIT);
    let seconds = |key: &str| -> u64 {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
        line.trim_end_matches('s').parse().unwrap()
    };
    let grace = if read(CONFIG).contains("grace_period") { panic!("read it from the config") } else { 25 };
    assert!(seconds("TimeoutStopSec") > grace);
    assert!(seconds("WatchdogSec") >= 10, "told three times within it, also on a busy machine");
}

/// What systemd hears from its start to its end, of a process whose broker is away.
#[test]
fn the_process_tells_that_it_is_ready_lives_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let config = format!(
        "pipelines:\n  ship:\n    source: {{ files: {{ include: [{}], checkpoints: {} }} }}\n    \
         sink: {{ kafka: {{ brokers: [127.0.0.1:1], topic: logs }} }}\ngrace_period: 5s\n",
        place("*.log"),
        place("checkpoints"),
    );
    fs::write(place("sluice.yaml"), config).unwrap();
    let systemd = UnixDatagram::bind(place("notify")).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let launch = Launch {
        program: sluice().unwrap(),
        arguments: ["run", "--config", &place("sluice.yaml")].map(Into::into).into(),
        environment: vec![("NOTIFY_SOCKET", place("notify").into()), ("WATCHDOG_USEC", "300000".into())],
        folder: folder.path().to_owned(),
        log: place("log").into(),
        as_nobody: false,
    };
    let process = Process::spawn(&launch).unwrap();
    let hear = |line: &str| {
        let mut heard = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let length = systemd.recv(&mut buffer).unwrap_or_else(|error| panic!("{line}: {error}; heard {heard:?}"));
            let datagram = String::from_utf8(buffer[..length].to_vec()).unwrap();
            let is_it = datagram.lines().any(|told| told == line);
            heard.push(datagram);
            if is_it {
                return heard.concat();
            }
        }
    };
    assert!(hear("READY=1").contains("STATUS=every pipeline runs"));
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    let asked = Command::new("kill").args(["-TERM", &process.pid().to_string()]).status().unwrap();
    assert!(asked.success());
    hear("STOPPING=1");
    process.stop(Duration::from_secs(30)).unwrap();
}
