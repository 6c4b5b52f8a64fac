//! `sluice plugin rollback`: a plugin of the running process goes back to the version before.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{BAD_CONFIG, status::Admin};

#[derive(Debug, clap::Args)]
pub(super) struct Rollback {
    /// The pipeline's name in the config
    #[arg(value_name = "PIPELINE")]
    pipeline: String,
    /// The plugin's name in the pipeline
    #[arg(value_name = "PLUGIN")]
    plugin: String,
    #[command(flatten)]
    admin: Admin,
}

impl Rollback {
    /// 0 when it was done, 1 when it cannot be, 2 if no process answers.
    pub fn run(&self) -> ExitCode {
        let body = json!({ "pipeline": self.pipeline, "plugin": self.plugin }).to_string();
        let (status, body) = match self.admin.ask("POST", "/rollback", Some(&body)) {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("sluice: {error}");
                return ExitCode::from(BAD_CONFIG);
            }
        };
        let said: Value = serde_json::from_str(&body).unwrap_or_default();
        match (said["done"].as_str(), said["error"].as_str()) {
            (Some(done), _) => {
                println!("{done}");
                ExitCode::SUCCESS
            }
            (None, Some(error)) => {
                eprintln!("sluice: {error}");
                ExitCode::FAILURE
            }
            (None, None) => {
                eprintln!("sluice: what answers is no sluice that takes orders (status {status})");
                ExitCode::from(BAD_CONFIG)
            }
        }
    }
}
