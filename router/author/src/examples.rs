//! The examples of a plugin's folder: files with records that go in and what is expected to come out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Deserializer, Value};

use crate::Error;

/// Where they lie in a plugin's folder.
pub const FOLDER: &str = "examples";

/// All examples of the folder of a plugin, one JSON object a line, in the order of the files' names; empty if there are
/// none. A file has one example or several, one after another.
pub fn collect(plugin: &Path) -> Result<String, Error> {
    let mut text = String::new();
    for file in files(plugin)? {
        let content = fs::read_to_string(&file).map_err(Error::file("read", &file))?;
        let examples: Vec<_> = Deserializer::from_str(&content).into_iter::<Value>().collect();
        for (index, example) in examples.into_iter().enumerate() {
            let wrong = |why: String| Error::Example {
                place: format!("{}, example {}", file.display(), index + 1),
                why: format!("{why}; an example looks like {SHAPE}"),
            };
            match example {
                Ok(example @ Value::Object(_)) => text.push_str(&format!("{example}\n")),
                Ok(_) => return Err(wrong("is no JSON object".to_owned())),
                Err(error) => return Err(wrong(format!("is not JSON: {error}"))),
            }
        }
    }
    Ok(text)
}

const SHAPE: &str =
    r#"{ "name": "what it shows", "config": {}, "records": [{ "log": "…" }], "expect": { "kept": [0] } }"#;

fn files(plugin: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = plugin.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Error::file("list", &folder))? {
        let path = entry.map_err(Error::file("list", &folder))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(files: &[(&str, &str)]) -> Result<String, String> {
        let plugin = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = plugin.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        collect(plugin.path()).map_err(|error| error.to_string().replace(&plugin.path().display().to_string(), "P"))
    }

    #[test]
    fn files_become_lines_in_the_order_of_their_names() {
        let files = [
            ("examples/b.json", "{ \"name\": \"two\",\n  \"expect\": {} }\n{\"name\":\"three\"}"),
            ("examples/a.json", "{\"name\":\"one\"}\n"),
            ("examples/notes.txt", "not an example"),
        ];
        let expect = "{\"name\":\"one\"}\n{\"expect\":{},\"name\":\"two\"}\n{\"name\":\"three\"}\n";
        assert_eq!(collected(&files).unwrap(), expect);
        assert_eq!(collected(&[("src/lib.rs", "")]).unwrap(), "");
    }

    #[test]
    fn what_is_no_example_is_named() {
        for (content, expect) in [
            ("[]", "P/examples/a.json, example 1: is no JSON object; an example looks like "),
            ("{} {", "P/examples/a.json, example 2: is not JSON: "),
        ] {
            let error = collected(&[("examples/a.json", content)]).unwrap_err();
            assert!(error.starts_with(expect), "{error}");
        }
    }
}
