//! `vault`, as `ansible-vault`.

use std::{
    io::{Read, Write, stdin, stdout},
    path::{Path, PathBuf},
};

use strata_core::{Diagnostic, Diagnostics};
use strata_ops::vault::{self, Keys, Sources};

use super::{Exit, playbook::sources, process};
use crate::{
    args::{Passwords, Vault, VaultCommand, VaultFiles},
    terminal,
};

pub(super) fn run(arguments: &Vault) -> Result<Exit, Diagnostics> {
    match &arguments.command {
        VaultCommand::Encrypt(files) => {
            let keys = keys(files)?;
            each(
                files,
                |path| vault::encrypt_file(path, &keys),
                |text| Ok(keys.encrypt(text)?.into_bytes()),
            )?;
            told("Encryption successful")
        }
        VaultCommand::Decrypt(files) => {
            let keys = keys(files)?;
            each(
                files,
                |path| vault::decrypt_file(path, &keys),
                |text| keys.decrypt(text),
            )?;
            told("Decryption successful")
        }
        VaultCommand::View(files) => {
            let keys = keys(files)?;
            for path in named(files)? {
                write(None, &keys.decrypt(&vault::read(path)?)?)?;
            }
            Ok(0)
        }
        VaultCommand::Edit(files) => {
            let (keys, process) = (keys(files)?, process()?);
            named(files)?
                .iter()
                .try_for_each(|path| vault::edit_file(path, &keys, &process))?;
            Ok(0)
        }
        VaultCommand::Create(files) => {
            let (keys, process) = (keys(files)?, process()?);
            let [path] = named(files)? else {
                return Err(wrong(
                    "ansible-vault create can take only one filename argument",
                ));
            };
            vault::create(path, &keys, &process)?;
            Ok(0)
        }
        VaultCommand::Rekey {
            files,
            new_vault_id,
            new_vault_password_file,
        } => rekey(
            files,
            new_vault_id.as_deref(),
            new_vault_password_file.as_deref(),
        ),
        VaultCommand::EncryptString {
            passwords,
            encrypt_vault_id,
            values,
            name,
            stdin_name,
            prompt,
            output,
        } => {
            let keys = gathered(passwords, encrypt_vault_id.as_deref())?;
            let values = strings(values, name, stdin_name.as_deref(), *prompt)?;
            let mut text = String::new();
            for (name, value) in &values {
                text.push_str(&vault::as_value(
                    name.as_deref(),
                    &keys.encrypt(value.as_bytes())?,
                ));
            }
            write(output.as_deref(), text.as_bytes())?;
            told("Encryption successful")
        }
    }
}

fn told(message: &str) -> Result<Exit, Diagnostics> {
    anstream::eprintln!("{message}");
    Ok(0)
}

fn wrong(message: &str) -> Diagnostics {
    Diagnostic::error("arguments", message).into()
}

fn keys(files: &VaultFiles) -> Result<Keys, Diagnostics> {
    gathered(&files.passwords, files.encrypt_vault_id.as_deref())
}

fn gathered(passwords: &Passwords, encrypt_id: Option<&str>) -> Result<Keys, Diagnostics> {
    Keys::gather(
        &sources(passwords),
        encrypt_id,
        &process()?,
        Some(&terminal::ask()),
    )
}

/// The files of a command that needs some.
fn named(files: &VaultFiles) -> Result<&[PathBuf], Diagnostics> {
    match files.files.as_slice() {
        [] => Err(wrong("this command needs the name of a file")),
        named => Ok(named),
    }
}

/// Changes files where they stand; or one text, from a file or standard input, to `--output`.
fn each(
    files: &VaultFiles,
    in_place: impl Fn(&Path) -> Result<(), Diagnostics>,
    text: impl Fn(&[u8]) -> Result<Vec<u8>, Diagnostics>,
) -> Result<(), Diagnostics> {
    let from_input = matches!(files.files.as_slice(), []) || files.files == [PathBuf::from("-")];
    if !from_input && files.output.is_none() {
        return files.files.iter().try_for_each(|path| in_place(path));
    }
    let given = match files.files.as_slice() {
        _ if from_input => input()?,
        [path] => vault::read(path)?,
        _ => {
            return Err(wrong(
                "At most one input file may be used with the --output option",
            ));
        }
    };
    write(files.output.as_deref(), &text(&given)?)
}

fn input() -> Result<Vec<u8>, Diagnostics> {
    let mut bytes = Vec::new();
    let read = stdin().lock().read_to_end(&mut bytes);
    read.map(|_| bytes)
        .map_err(|error| wrong(&format!("standard input cannot be read: {error}")))
}

/// Writes to a file that is for its owner alone, or to standard output.
fn write(output: Option<&Path>, text: &[u8]) -> Result<(), Diagnostics> {
    let done = match output.filter(|path| *path != Path::new("-")) {
        Some(path) => vault::write(path, text, 0o600),
        None => stdout().lock().write_all(text),
    };
    done.map_err(|error| wrong(&format!("the result cannot be written: {error}")))
}

fn rekey(files: &VaultFiles, id: Option<&str>, file: Option<&Path>) -> Result<Exit, Diagnostics> {
    let old = keys(files)?;
    let sources = Sources {
        ids: id.map(str::to_owned).into_iter().collect(),
        files: file.map(Path::to_owned).into_iter().collect(),
        ask: id.is_none() && file.is_none(),
    };
    let mut clean = process()?;
    // The settings name the old password: the new one must be said.
    clean
        .environment
        .retain(|name, _| !name.starts_with("ANSIBLE_VAULT"));
    clean
        .environment
        .insert("ANSIBLE_CONFIG".to_owned(), "/dev/null".to_owned());
    let new = Keys::gather(&sources, None, &clean, Some(&terminal::ask()))?;
    named(files)?
        .iter()
        .try_for_each(|path| vault::rekey(path, &old, &new))?;
    told("Rekey successful")
}

/// Values with their names.
fn strings(
    values: &[String],
    names: &[String],
    stdin_name: Option<&str>,
    prompt: bool,
) -> Result<Vec<(Option<String>, String)>, Diagnostics> {
    let mut all = Vec::new();
    if prompt {
        let answer = (terminal::ask())("String to encrypt (hidden): ", true);
        let answer = answer.filter(|answer| !answer.is_empty());
        let answer = answer.ok_or_else(|| {
            wrong("The plaintext provided from the prompt was empty, not encrypting")
        })?;
        all.push((names.first().cloned(), answer));
        return Ok(all);
    }
    let given = values.iter().filter(|value| *value != "-");
    for (at, value) in given.enumerate() {
        all.push((names.get(at).cloned(), value.clone()));
    }
    if all.is_empty() || values.iter().any(|value| value == "-") || stdin_name.is_some() {
        let text = String::from_utf8(input()?).map_err(|_| wrong("standard input is not text"))?;
        all.push((stdin_name.map(str::to_owned), text));
    }
    Ok(all)
}
