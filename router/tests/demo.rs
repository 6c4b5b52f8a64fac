//! The whole demo, by the built binary, without a terminal. Needs the components of `./dev components`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests by `cfg(test)`, which helpers do not have")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running demo, and what it printed so far.
struct Demo {
    child: Child,
    lines: mpsc::Receiver<String>,
    printed: Vec<String>,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
        let command = command.arg("demo").args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, printed: Vec::new() }
    }

    /// Waits for a line that contains the text, and returns it.
    #[track_caller]
    fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.printed.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
        panic!("no line with {text:?} in\n{}\n{}", self.printed.join("\n"), self.errors());
    }

    /// The same, also if the line came before.
    #[track_caller]
    fn see(&mut self, text: &str) {
        if !self.printed.iter().any(|line| line.contains(text)) {
            self.wait_for(text);
        }
    }

    /// Ctrl-C.
    fn interrupt(&self) {
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    fn errors(&mut self) -> String {
        let _ = self.child.kill();
        let mut errors = String::new();
        let _ = self.child.stderr.take().unwrap().read_to_string(&mut errors);
        errors
    }

    /// The end of its own accord: everything that it printed.
    #[track_caller]
    fn end(mut self) -> String {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.printed.push(line);
        }
        let printed = self.printed.join("\n");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}\n{printed}\n{}", self.errors());
        printed
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number at the end of the row of this name.
#[track_caller]
fn row(printed: &str, name: &str) -> u64 {
    let row = printed.lines().find(|line| line.trim_start().starts_with(name));
    let row = row.unwrap_or_else(|| panic!("no row {name:?} in\n{printed}"));
    row.split_whitespace().next_back().unwrap().parse().unwrap()
}

/// Replaces a text of the config file, as an editor does.
#[track_caller]
fn edit(path: &str, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in\n{text}");
    let next = format!("{path}.next");
    fs::write(&next, text.replace(from, to)).unwrap();
    fs::rename(next, path).unwrap();
}

#[test]
fn the_books_balance() {
    let mut demo = Demo::start(&[]);
    for part in
        ["first document in the index", " before: ", " after:  {", "[REDACTED:", "alert 0:", "log files rotated"]
    {
        demo.see(part);
    }
    demo.interrupt();
    let printed = demo.end();
    let lines = row(&printed, "lines that the containers printed");
    let (indexed, dropped) = (row(&printed, "= lines in the index"), row(&printed, "+ dropped by drop-debug (ship)"));
    assert!(lines > 4_000 && indexed > 1_000 && dropped > 500, "{printed}");
    assert_eq!(lines, indexed + dropped, "{printed}");
    assert_eq!(row(&printed, "documents in the index"), indexed, "{printed}");
    for none in ["+ missing", "lines in the index more than once", "documents with a secret in them"] {
        assert_eq!(row(&printed, none), 0, "{printed}");
    }
    let exceptions = row(&printed, "lines about exceptions");
    let (posted, repeats) = (row(&printed, "= alerts posted"), row(&printed, "+ repeats, counted and not posted"));
    assert!(posted >= 3, "several kinds of exceptions are several alerts\n{printed}");
    assert_eq!(exceptions, posted + repeats, "{printed}");
    assert!(printed.contains("the books balance") && printed.contains("the start: "), "{printed}");
}

#[test]
fn it_ends_by_itself() {
    let printed = Demo::start(&["--for", "1s"]).end();
    assert!(row(&printed, "lines that the containers printed") >= 900, "{printed}");
    assert!(printed.contains("every line is accounted for: the books balance"), "{printed}");
}

#[test]
fn a_visitor_edits_the_config_and_leaves() {
    let mut demo = Demo::start(&[]);
    let path = demo.wait_for("config ").split_whitespace().next_back().unwrap().to_owned();
    let edit = |from: &str, to: &str| edit(&path, from, to);
    demo.wait_for("first document in the index");
    edit("at_least: info", "at_least: loud");
    demo.wait_for("a change is refused");
    edit("at_least: loud", "at_least: error");
    demo.wait_for("another config of the plugin took over");
    edit("flush: { interval: 500ms,", "flush: { interval: 1s,");
    demo.wait_for("stopping, as its config changed");
    demo.interrupt();
    let printed = demo.end();
    assert_eq!(row(&printed, "+ missing"), 0, "{printed}");
    assert_eq!(row(&printed, "lines in the index more than once"), 0, "{printed}");
    assert!(printed.contains("every line is accounted for: the books balance"), "{printed}");
}

#[test]
fn lines_that_an_edit_leaves_out_are_not_called_accounted_for() {
    let mut demo = Demo::start(&["--for", "6s"]);
    let path = demo.wait_for("config ").split_whitespace().next_back().unwrap().to_owned();
    demo.wait_for("first document in the index");
    edit(&path, "containers/*.log", "containers/web*.log");
    demo.wait_for("stopping, as its config changed");
    let printed = demo.end();
    assert!(row(&printed, "+ not read") > 0, "{printed}");
    assert!(printed.contains("lines were not read") && !printed.contains("every line is accounted for"), "{printed}");
}

#[test]
fn without_components_it_says_what_to_do() {
    let folder = std::env::temp_dir();
    let output = Command::new(env!("CARGO_BIN_EXE_sluice")).arg("demo").arg("--plugins").arg(folder).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("has no level-filter.wasm; run `./dev components`"), "{errors}");
}
