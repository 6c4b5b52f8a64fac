//! The containers that print, and how large their files may become.

use std::time::Duration;

use anyhow::Result;
use sluice_node::{Container, Level, Node, Pace, Retention, Spec, Voice};

const VOICES: [Voice; 5] = [Voice::Json, Voice::Plain, Voice::Orders, Voice::Traces, Voice::Long];
/// A kubelet with `containerLogMaxFiles: 10` keeps the one that is written, and these.
const KEEP: usize = 9;
/// Lines of which the average length is taken.
const SAMPLE: u64 = 4_000;

/// Containers of both formats and of all voices, each the only one of its pod.
pub fn start(node: &Node, count: usize) -> Result<Vec<(Container, Voice)>> {
    let container = |number: usize| {
        let (pod, voice) = (format!("pod-{number}"), VOICES[number % VOICES.len()]);
        let namespace = ["shop", "pay", "infra"][number % 3];
        let spec =
            if number % 4 == 3 { Spec::docker(namespace, &pod, "app") } else { Spec::cri(namespace, &pod, "app") };
        Ok((node.container(spec)?, voice))
    };
    (0..count).map(container).collect()
}

/// A pace at which what a container printed within `kept` is in its files, and rotation comes as often as that allows.
pub fn pace(rate: u64, containers: usize, kept: Duration) -> Pace {
    let each = rate as f64 / containers.max(1) as f64;
    let bytes = VOICES.iter().map(|voice| average(*voice)).fold(0.0, f64::max) * each * kept.as_secs_f64();
    // The files that were rotated hold all of it, whatever is in the one that is written.
    let rotate_at = (bytes / KEEP as f64) as u64;
    let retention = Retention { rotate_at: rotate_at.max(1), keep: KEEP, compress: true };
    Pace { rate, retention, restart_every: Some((each * kept.as_secs_f64()) as u64 + 1) }
}

/// Bytes of a line in its file: the docker format is the longer one.
fn average(voice: Voice) -> f64 {
    let bytes: usize = (0..SAMPLE).map(|seq| voice.line(seq).text.len() * 11 / 10 + 80).sum();
    bytes as f64 / SAMPLE as f64
}

/// What has to become of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Dropped on the node.
    Trace,
    /// Dropped by the indexers; by the agent too, while its plugin has the other config.
    Debug,
    Indexed,
}

impl Fate {
    pub fn of(level: Option<Level>) -> Self {
        match level {
            Some(Level::Trace) => Self::Trace,
            Some(Level::Debug) => Self::Debug,
            _ => Self::Indexed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_what_must_be_kept() {
        for (rate, containers, seconds) in [(600, 32, 60), (2_000, 50, 200), (100, 30, 90)] {
            let pace = pace(rate, containers, Duration::from_secs(seconds));
            for voice in VOICES {
                let each = rate as f64 / containers as f64;
                let held = (pace.retention.rotate_at * KEEP as u64) as f64 / (average(voice) * each);
                assert!(held > seconds as f64 * 0.999, "{voice:?}: {held} s");
            }
        }
    }

    #[test]
    fn containers_are_of_both_formats_and_all_voices() {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::new(folder.path()).unwrap();
        let containers = start(&node, 40).unwrap();
        for voice in VOICES {
            for format in [sluice_node::Format::Cri, sluice_node::Format::DockerJson] {
                let is_there =
                    containers.iter().any(|(container, its)| *its == voice && container.spec().format == format);
                assert!(is_there, "{voice:?} {format:?}");
            }
        }
    }
}
