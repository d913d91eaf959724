//! Reads the Incus client's own list of remotes, `config.yml`.

use std::{collections::BTreeMap, io::ErrorKind, path::Path};

use granit_parser::{Event, Parser};

use crate::{client::ClientError, remote::Declared};

/// What the file says, as far as it matters to us.
#[derive(Default)]
pub(crate) struct RemoteFile {
    /// The remote that is meant where none is named.
    pub(crate) default_remote: Option<String>,
    /// Remotes by name.
    pub(crate) remotes: BTreeMap<String, Entry>,
}

/// One remote.
#[derive(Default)]
pub(crate) struct Entry {
    /// How it is reached.
    pub(crate) declared: Declared,
    /// The project that is meant where none is named.
    pub(crate) project: Option<String>,
}

/// Reads the file in a configuration folder; a file that is not there says nothing.
pub(crate) fn read(config_dir: &Path) -> Result<RemoteFile, ClientError> {
    let path = config_dir.join("config.yml");
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text)
            .map_err(|reason| ClientError::Setup(format!("`{}`: {reason}", path.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(RemoteFile::default()),
        Err(error) => Err(ClientError::Setup(format!("`{}`: {error}", path.display()))),
    }
}

fn parse(text: &str) -> Result<RemoteFile, String> {
    let mut file = RemoteFile::default();
    for (path, value) in scalars(text)? {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path[..] {
            ["default-remote"] => file.default_remote = Some(value),
            ["remotes", name, key] => {
                file.remotes
                    .entry(name.to_owned())
                    .or_default()
                    .set(key, value);
            }
            _ => {}
        }
    }
    Ok(file)
}

impl Entry {
    fn set(&mut self, key: &str, value: String) {
        match key {
            "addr" => self.declared.address = value,
            "protocol" => self.declared.protocol = Some(value),
            "auth_type" => self.declared.authentication = Some(value),
            "project" => self.project = Some(value),
            "credentials_helper" => self.declared.credentials_helper = Some(value),
            "public" => self.declared.public = value == "true",
            _ => {}
        }
    }
}

/// Every text in the document with the keys that lead to it; lists are passed over.
fn scalars(text: &str) -> Result<Vec<(Vec<String>, String)>, String> {
    let mut found = Vec::new();
    let mut path: Vec<String> = Vec::new();
    // One entry for each mapping or list that is open: a key that waits for its value, in mappings.
    let mut open: Vec<Option<Option<String>>> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        match event {
            Event::MappingStart(..) => begin(&mut open, &mut path, Some(None)),
            Event::SequenceStart(..) => begin(&mut open, &mut path, None),
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                if let Some(Some(key)) = open.last_mut()
                    && key.take().is_some()
                {
                    path.pop();
                }
            }
            Event::Scalar(text, ..) => match open.last_mut() {
                Some(Some(key @ None)) => *key = Some(text.into_owned()),
                Some(Some(key)) => {
                    let mut path = path.clone();
                    path.extend(key.take());
                    found.push((path, text.into_owned()));
                }
                _ => {}
            },
            _ => {}
        }
    }
    Ok(found)
}

fn begin(
    open: &mut Vec<Option<Option<String>>>,
    path: &mut Vec<String>,
    inside: Option<Option<String>>,
) {
    if let Some(Some(Some(key))) = open.last() {
        path.push(key.clone());
    }
    open.push(inside);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_file_gives_remotes_and_the_default() {
        let text = "default-remote: lab\nremotes:\n  lab:\n    addr: https://lab:8443\n    protocol: incus\n    project: web\n    public: false\n  images:\n    addr: https://images\n    protocol: simplestreams\n    public: true\naliases: {a: [b, c]}\n";
        let file = parse(text).unwrap();
        assert_eq!(file.default_remote.as_deref(), Some("lab"));
        assert_eq!(file.remotes["lab"].declared.address, "https://lab:8443");
        assert_eq!(file.remotes["lab"].project.as_deref(), Some("web"));
        assert!(file.remotes["images"].declared.public && !file.remotes["lab"].declared.public);
        assert_eq!(
            file.remotes["images"].declared.protocol.as_deref(),
            Some("simplestreams")
        );
    }

    #[test]
    fn a_file_that_is_no_yaml_is_a_mistake() {
        assert!(parse("remotes: [").is_err());
    }
}
