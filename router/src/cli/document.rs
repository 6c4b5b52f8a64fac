//! The config file as the commands take it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::config::{self, Plan, Severity};

pub(super) const DEFAULT: &str = "/etc/sluice/sluice.yaml";

#[derive(Debug, clap::Args)]
pub(super) struct Document {
    /// The config file
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT)]
    pub config: PathBuf,
}

impl Document {
    /// Prints all problems to standard error; `None` if one of them is an error.
    pub fn plan(&self) -> Option<Plan> {
        let text = match read(&self.config) {
            Ok(text) => text,
            Err(problem) => {
                eprintln!("{problem}");
                return None;
            }
        };
        let checked = config::check(&text, &self.config.to_string_lossy(), &|name| std::env::var(name).ok());
        for problem in &checked.problems {
            eprintln!("{problem}");
        }
        let errors = checked.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        if errors > 0 {
            eprintln!("{}: {errors} error{}", self.config.display(), if errors == 1 { "" } else { "s" });
        }
        checked.plan
    }
}

/// What a plan has, in a few words.
pub(super) fn summary(plan: &Plan) -> String {
    let names: Vec<&str> = plan.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
    format!("{} pipeline{}: {}", names.len(), if names.len() == 1 { "" } else { "s" }, names.join(", "))
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| {
        format!("{}: cannot read the config file: {error}; name it with --config FILE", path.display())
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        format!("{}:{line}: the file is not UTF-8 from this line on; save it as UTF-8", path.display())
    })
}
