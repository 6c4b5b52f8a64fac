//! WASI's resources: an input at its end, outputs whose lines become log lines, and waits that are over.
use wasmtime::component::{ComponentType, Lower, Resource, ResourceType};

/// What a plugin prints of one line, in bytes; the rest of a longer line is left out.
const LONGEST: usize = 512;

pub(super) enum Input {}
pub(super) enum Output {}
pub(super) enum Pollable {}
pub(super) enum IoError {}
pub(super) enum Descriptor {}
pub(super) enum TerminalInput {}
pub(super) enum TerminalOutput {}
/// Of what no instance ever gets.
enum Never {}

/// The host's type for a resource of this name: interfaces use each other's by name.
pub(super) fn resource(name: &str) -> ResourceType {
    match name {
        "input-stream" => ResourceType::host::<Input>(),
        "output-stream" => ResourceType::host::<Output>(),
        "pollable" => ResourceType::host::<Pollable>(),
        "error" => ResourceType::host::<IoError>(),
        "descriptor" => ResourceType::host::<Descriptor>(),
        "terminal-input" => ResourceType::host::<TerminalInput>(),
        "terminal-output" => ResourceType::host::<TerminalOutput>(),
        _ => ResourceType::host::<Never>(),
    }
}

/// `wasi:io/streams.stream-error`.
#[derive(ComponentType, Lower)]
#[component(variant)]
pub(super) enum StreamError {
    #[component(name = "last-operation-failed")]
    #[allow(dead_code, reason = "the interface has it, and nothing fails here")]
    Failed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

/// The two outputs, by the number of their resource.
pub(super) const STDOUT: u32 = 1;
pub(super) const STDERR: u32 = 2;

/// What was printed of lines that have no end yet.
#[derive(Debug, Default)]
pub(super) struct Printed([Vec<u8>; 2]);

impl Printed {
    /// Takes what was written to an output; each line that it ends is handed on.
    pub fn take(&mut self, output: u32, bytes: &[u8], mut line: impl FnMut(&str)) {
        let open = &mut self.0[usize::from(output == STDERR)];
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
            open.extend_from_slice(&text[..text.len().min(LONGEST - open.len())]);
            if ends {
                line(&String::from_utf8_lossy(open));
                open.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_and_bounded() {
        let long = "x".repeat(LONGEST * 3);
        let writes = [
            (STDOUT, "a"),
            (STDERR, "panicked"),
            (STDOUT, "b\n\nc\nd"),
            (STDERR, " at 7\n"),
            (STDOUT, &long),
            (STDOUT, &long),
            (STDOUT, "\nnext\n"),
        ];
        let (mut printed, mut lines) = (Printed::default(), Vec::new());
        for (output, text) in writes {
            printed.take(output, text.as_bytes(), |line| lines.push(line.to_string()));
        }
        let cut = format!("d{}", "x".repeat(LONGEST - 1));
        assert_eq!(lines, ["ab", "", "c", "panicked at 7", &cut, "next"]);
        assert!(printed.0.iter().all(Vec::is_empty));
    }
}
