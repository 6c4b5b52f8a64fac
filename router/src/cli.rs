//! The command line.

mod author;
mod chown;
mod document;
mod inspect;
mod logging;
mod replay;
mod rollback;
mod status;
mod version;

use std::{io, process::ExitCode, time::Duration};

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::{demo, online, process};
use document::Document;
use logging::LogFormat;

/// A log router for Kubernetes whose logic is WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, long_version = version::long())]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every pipeline of the config file until SIGTERM or Ctrl-C
    Run {
        #[command(flatten)]
        document: Document,
        /// How log lines on standard error look; default: human on a terminal, json elsewhere
        #[arg(long, value_enum)]
        log_format: Option<LogFormat>,
        /// Seconds between two log lines with the books of each pipeline; 0 for none
        #[arg(long, default_value_t = 60, value_name = "SECONDS")]
        report_every: u64,
    },
    /// Checks the config file and prints every problem; touches nothing else
    Check {
        #[command(flatten)]
        document: Document,
        /// Also looks at what the file names: loads components, reads secrets, asks brokers and indexes who they are.
        /// Nothing is written, no group is joined, no webhook is called
        #[arg(long)]
        online: bool,
    },
    /// Says what the running process does: the state and the books of each pipeline. Exit code 0: ready; 1: not; 2: no
    /// process answers
    Status(status::Status),
    /// Makes, tries and looks at plugins
    #[command(subcommand)]
    Plugin(Plugin),
    /// Shows the whole chain in this process, with stand-ins for Kafka, the index and Slack; nothing has to be installed
    Demo(demo::Options),
    /// Gives folders to a user: for an init container, as the image has no shell
    Chown(chown::Chown),
    /// Prints a completion script, as in `source <(sluice completions bash)`
    Completions { shell: Shell },
}

#[derive(Debug, Subcommand)]
enum Plugin {
    /// Makes the folder of a new plugin, which compiles and passes its tests
    New(author::Create),
    /// Builds a plugin's folder into a component with its examples in it, and says what takes the space
    Build(author::Build),
    /// Tries a plugin on its examples, or shows what it would do to a log file
    Test(author::Test),
    /// Says what a plugin costs for each record
    Bench(author::Bench),
    /// Passes log lines from a file or standard input through plugins to standard output
    Run(author::Run),
    /// Writes components as a ConfigMap
    #[command(name = "configmap")]
    WriteConfigMap(author::WriteConfigMap),
    /// Says what component files are: what they export and import, and which fields they read and write
    Inspect(inspect::Inspect),
    /// Makes the call of a crash bundle again. Exit code 0: the same fault; 1: another one, or none; 2: the call cannot be
    /// made
    Replay(replay::Replay),
    /// Lets a plugin of the running process go back to the version before. Exit code 0: done; 1: it cannot be done; 2: no
    /// process answers
    Rollback(rollback::Rollback),
}

/// The exit code of a document with errors; that of `run` when a pipeline failed for good is 1.
const BAD_CONFIG: u8 = 2;

impl Cli {
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Check { document, online } => check(&document, online),
            Command::Run { document, log_format, report_every } => {
                logging::start(log_format);
                let Some(plan) = document.plan() else { return ExitCode::from(BAD_CONFIG) };
                let report_every = (report_every > 0).then(|| Duration::from_secs(report_every));
                match process::run(&document.config, plan, report_every) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => {
                        eprintln!("sluice: {error:#}");
                        ExitCode::FAILURE
                    }
                }
            }
            Command::Status(status) => status.run(),
            Command::Plugin(plugin) => plugin.run(),
            Command::Demo(options) => match demo::run(&options) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("sluice: {error:#}");
                    ExitCode::FAILURE
                }
            },
            Command::Chown(chown) => chown.run(),
            Command::Completions { shell } => {
                clap_complete::generate(shell, &mut Self::command(), "sluice", &mut io::stdout());
                ExitCode::SUCCESS
            }
        }
    }
}

impl Plugin {
    fn run(self) -> ExitCode {
        match self {
            Self::New(create) => create.run(),
            Self::Build(build) => build.run(),
            Self::Test(test) => test.run(),
            Self::Replay(replay) => replay.run(),
            Self::Rollback(rollback) => rollback.run(),
            Self::Bench(bench) => bench.run(),
            Self::Run(run) => run.run(),
            Self::WriteConfigMap(write) => write.run(),
            Self::Inspect(inspect) => inspect.run(),
        }
    }
}

fn check(document: &Document, online: bool) -> ExitCode {
    let Some(plan) = document.plan() else { return ExitCode::from(BAD_CONFIG) };
    let file = document.config.display();
    if online {
        let mut errors = 0;
        let looked = online::look(&plan, |finding| {
            println!("{finding}");
            errors += usize::from(finding.level == online::Level::Error);
        });
        if let Err(error) = looked {
            eprintln!("sluice: {error:#}");
            return ExitCode::FAILURE;
        }
        if errors > 0 {
            eprintln!("{file}: {errors} error{}", if errors == 1 { "" } else { "s" });
            return ExitCode::from(BAD_CONFIG);
        }
    }
    println!("{file}: ok, {}", document::summary(&plan));
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_is_typed() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| cli.command);
        let refused = |line: &str| parse(line).map(|command| format!("{command:?}")).unwrap_err().kind();
        assert!(matches!(parse("sluice check"), Ok(Command::Check { document, online: false })
            if document.config.as_os_str() == "/etc/sluice/sluice.yaml"));
        assert!(matches!(parse("sluice check --online -c a.yaml"), Ok(Command::Check { document, online: true })
            if document.config.as_os_str() == "a.yaml"));
        assert!(matches!(parse("sluice run"), Ok(Command::Run { log_format: None, report_every: 60, .. })));
        assert!(matches!(
            parse("sluice run --log-format json --report-every 0"),
            Ok(Command::Run { log_format: Some(LogFormat::Json), report_every: 0, .. })
        ));
        assert!(matches!(parse("sluice plugin inspect a.wasm b.wasm --json"), Ok(Command::Plugin(_))));
        for line in [
            "sluice plugin new my-filter --kind filter",
            "sluice plugin new my-filter --kind notifier --dir /tmp --sdk 0.1",
            "sluice plugin build",
            "sluice plugin test a.wasm --on a.log --config {} --show 5",
            "sluice plugin bench a.wasm --for 0.5",
            "sluice plugin run --plugin a.wasm:{} -p b.wasm a.log",
            "sluice plugin run --pipeline a --config a.yaml",
            "sluice plugin replay crash.json --component a.wasm",
            "sluice plugin configmap plugins a.wasm b.wasm -n logging --compress always",
        ] {
            assert!(matches!(parse(line), Ok(Command::Plugin(_))), "{line}");
        }
        assert_eq!(refused("sluice plugin new my-filter"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("sluice plugin run"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("sluice plugin run --pipeline a"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("sluice plugin run -p a.wasm:{"), ErrorKind::ValueValidation);
        assert_eq!(refused("sluice plugin test --show 5"), ErrorKind::MissingRequiredArgument);
        assert!(matches!(parse("sluice chown 65532:0 /var/lib/sluice"), Ok(Command::Chown(_))));
        assert_eq!(refused("sluice chown root /var/lib/sluice"), ErrorKind::ValueValidation);
        assert_eq!(refused("sluice chown 65532:0"), ErrorKind::MissingRequiredArgument);
        assert!(matches!(parse("sluice status"), Ok(Command::Status(_))));
        assert!(matches!(parse("sluice status --json -c a.yaml"), Ok(Command::Status(_))));
        assert!(matches!(parse("sluice status --admin 127.0.0.1:9600"), Ok(Command::Status(_))));
        assert!(matches!(parse("sluice plugin rollback ship drop --admin 127.0.0.1:9600"), Ok(Command::Plugin(_))));
        assert_eq!(refused("sluice plugin rollback ship"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("sluice status --admin 9600"), ErrorKind::ValueValidation);
        assert_eq!(refused("sluice status --admin 127.0.0.1:9600 -c a.yaml"), ErrorKind::ArgumentConflict);
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            assert!(matches!(parse(&format!("sluice completions {shell}")), Ok(Command::Completions { .. })));
        }
        assert_eq!(refused("sluice plugin inspect"), ErrorKind::MissingRequiredArgument);
        assert_eq!(refused("sluice completions dos"), ErrorKind::InvalidValue);
        assert_eq!(refused("sluice run --log-format xml"), ErrorKind::InvalidValue);
        assert_eq!(refused("sluice check --offline"), ErrorKind::UnknownArgument);
        assert_eq!(refused("sluice -V"), ErrorKind::DisplayVersion);
        assert_eq!(refused("sluice --version"), ErrorKind::DisplayVersion);
    }

    #[test]
    fn completions_know_every_command() {
        let mut script = Vec::new();
        clap_complete::generate(Shell::Bash, &mut Cli::command(), "sluice", &mut script);
        let script = String::from_utf8(script).unwrap();
        for word in ["run", "check", "status", "plugin", "inspect", "completions", "--online", "--log-format", "--json"]
        {
            assert!(script.contains(word), "{word}");
        }
    }
}
