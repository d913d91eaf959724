//! The key provider `external`: a program that gives keys, as OpenTofu 1.10 speaks to it.
//!
//! The program says a header in one line, is given what an earlier run of it said of a key, or `null`, on its
//! standard input, and answers with a key to encrypt with, one to decrypt with, and what it wants to be given again.

use std::{
    io::{Read, Write},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Made, Metas};

/// What the program must say first.
const MAGIC: &str = "OpenTofu-External-Key-Provider";

/// The most that is read of an answer.
const LONGEST: u64 = 1 << 20;

/// A program that gives keys.
pub struct External {
    command: Vec<String>,
    /// The key of this run.
    own: Mutex<Option<Made>>,
}

#[derive(Deserialize)]
struct Header {
    magic: String,
    version: u64,
}

#[derive(Deserialize)]
struct Answer {
    keys: Keys,
    #[serde(default)]
    meta: Json,
}

#[derive(Deserialize)]
struct Keys {
    encryption_key: Option<String>,
    decryption_key: Option<String>,
}

impl External {
    /// Takes the program with its arguments.
    pub fn new(command: Vec<String>) -> Result<Self, String> {
        match command.is_empty() {
            true => Err("the command option is required".to_owned()),
            false => Ok(Self {
                command,
                own: Mutex::default(),
            }),
        }
    }

    pub(super) fn make(&self, name: &str) -> Result<Made, String> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*own {
            return Ok(made.clone());
        }
        let answer = self.ask("null")?;
        let meta = match answer.meta {
            Json::Null => "{\"external_data\":{}}".to_owned(),
            meta => meta.to_string(),
        };
        let made = Made {
            key: decode(answer.keys.encryption_key, "encryption_key")?,
            metas: Metas::from([(name.to_owned(), meta.into_bytes())]),
        };
        *own = Some(made.clone());
        Ok(made)
    }

    pub(super) fn again(&self, meta: &[u8]) -> Result<Arc<[u8]>, String> {
        let meta = str::from_utf8(meta).map_err(|_| "what the envelope says of it is no text")?;
        decode(self.ask(meta)?.keys.decryption_key, "decryption_key")
    }

    fn ask(&self, meta: &str) -> Result<Answer, String> {
        let program = &self.command[0];
        let failed = |why: &dyn std::fmt::Display| format!("the program `{program}` fails: {why}");
        let mut child = Command::new(program)
            .args(&self.command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| failed(&error))?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that asks for nothing may be over by now.
            drop(stdin.write_all(format!("{meta}\n").as_bytes()));
        }
        let mut text = String::new();
        if let Some(stdout) = child.stdout.take() {
            let read = stdout.take(LONGEST).read_to_string(&mut text);
            read.map_err(|error| failed(&error))?;
        }
        let status = child.wait().map_err(|error| failed(&error))?;
        if !status.success() {
            return Err(failed(&status));
        }
        answer(&text).map_err(|why| failed(&why))
    }
}

fn answer(text: &str) -> Result<Answer, String> {
    let (first, rest) = text
        .split_once('\n')
        .ok_or("it says no header and answer")?;
    let header: Header =
        serde_json::from_str(first).map_err(|_| "its first line is no header".to_owned())?;
    if header.magic != MAGIC || header.version != 1 {
        return Err(format!("its header is not that of `{MAGIC}`, version 1"));
    }
    // What is wrong in it is not shown: it may hold a key.
    serde_json::from_str(rest).map_err(|_| "its answer has no keys".to_owned())
}

fn decode(key: Option<String>, name: &str) -> Result<Arc<[u8]>, String> {
    let key = key.ok_or_else(|| format!("the program gives no `{name}`"))?;
    let bytes = BASE64
        .decode(key)
        .map_err(|_| format!("`{name}` is not base64"))?;
    Ok(bytes.into())
}
