//! Ansible Vault for users: where passwords come from, and the operations of `ansible-vault`.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use strata_core::{Diagnostic, Diagnostics};
use strata_playbook::vault::{
    self, DEFAULT_ID, Envelope, Password, Salt, Secrets, VaultError, is_encrypted,
};
use strata_runner::Ask;

use crate::{
    playbook::{random, settings::Settings},
    process::Process,
};

/// Where passwords come from, as the command line says it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--vault-id`: `ID@SOURCE`, where the source is a file, a program, or `prompt`.
    pub ids: Vec<String>,
    /// `--vault-password-file`: files and programs.
    pub files: Vec<PathBuf>,
    /// `--ask-vault-pass`.
    pub ask: bool,
}

impl Sources {
    fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.files.is_empty() && !self.ask
    }

    /// What the settings say where the command line is silent.
    fn or_settings(&self, settings: &Settings) -> Self {
        let mut all = self.clone();
        all.ids.splice(0..0, settings.list("vault_identity_list"));
        if self.is_empty() || self.files.is_empty() && !self.ask {
            all.files.extend(settings.path("vault_password_file"));
            all.ask |= self.is_empty() && settings.flag("ask_vault_pass").unwrap_or(false);
        }
        all
    }
}

/// All passwords of a run.
pub(crate) fn secrets(
    sources: &Sources,
    settings: &Settings,
    process: &Process,
    ask: Option<&Arc<Ask>>,
    diags: &mut Diagnostics,
) -> Secrets {
    let passwords = passwords(&sources.or_settings(settings), process, ask, diags);
    Secrets::new(passwords, settings.flag("vault_id_match").unwrap_or(false))
}

fn passwords(
    sources: &Sources,
    process: &Process,
    ask: Option<&Arc<Ask>>,
    diags: &mut Diagnostics,
) -> Vec<Password> {
    let mut found: Vec<Password> = Vec::new();
    let mut add = |id: &str, bytes: Result<Vec<u8>, Box<Diagnostic>>| match bytes {
        Ok(bytes) => found.push(Password {
            id: id.to_owned(),
            bytes,
        }),
        Err(diagnostic) => diags.push(*diagnostic),
    };
    for given in &sources.ids {
        let (id, source) = given.split_once('@').unwrap_or((DEFAULT_ID, given));
        match source {
            "prompt" | "prompt_ask_vault_pass" => {
                add(id, prompted(&format!("Vault password ({id}): "), ask))
            }
            path => add(id, password_of(Path::new(path), Some(id), process)),
        }
    }
    for file in &sources.files {
        add(DEFAULT_ID, password_of(file, None, process));
    }
    if sources.ask {
        add(DEFAULT_ID, prompted("Vault password: ", ask));
    }
    found
}

fn prompted(question: &str, ask: Option<&Arc<Ask>>) -> Result<Vec<u8>, Box<Diagnostic>> {
    let answer = ask.and_then(|ask| ask(question, true));
    match answer.filter(|answer| !answer.is_empty()) {
        Some(answer) => Ok(answer.into_bytes()),
        None => Err(Box::new(Diagnostic::error(
            "vault-password",
            "A vault password must be given, and there is nobody to ask",
        ))),
    }
}

/// The password in a file, or printed by a program. A program whose name ends with `-client` gets the id.
pub(crate) fn password_of(
    path: &Path,
    id: Option<&str>,
    process: &Process,
) -> Result<Vec<u8>, Box<Diagnostic>> {
    let path = match (path.strip_prefix("~"), process.environment.get("HOME")) {
        (Ok(rest), Some(home)) => Path::new(home).join(rest),
        _ => process.working_directory.join(path),
    };
    let wrong = |why: String| {
        let message = format!(
            "The vault password file `{}` cannot be used",
            path.display()
        );
        Box::new(Diagnostic::error("vault-password", message).detail(why))
    };
    let metadata = fs::metadata(&path).map_err(|error| wrong(error.to_string()))?;
    let bytes = if metadata.permissions().mode() & 0o111 != 0 && metadata.is_file() {
        printed(&path, id).map_err(wrong)?
    } else {
        fs::read(&path).map_err(|error| wrong(error.to_string()))?
    };
    let password = bytes.trim_ascii().to_vec();
    if password.is_empty() {
        return Err(wrong("It is empty.".to_owned()));
    }
    Ok(password)
}

fn printed(path: &Path, id: Option<&str>) -> Result<Vec<u8>, String> {
    let mut command = Command::new(path);
    let stem = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if stem.ends_with("-client") {
        command.args(["--vault-id", id.unwrap_or(DEFAULT_ID)]);
    }
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("The program ended with {}.", output.status));
    }
    Ok(output.stdout)
}

/// The passwords of an `ansible-vault` command, and which of them encrypts.
pub struct Keys {
    secrets: Secrets,
    encrypt_id: Option<String>,
}

impl Keys {
    /// Gathers them; `encrypt_id` is `--encrypt-vault-id`.
    pub fn gather(
        sources: &Sources,
        encrypt_id: Option<&str>,
        process: &Process,
        ask: Option<&Arc<Ask>>,
    ) -> Result<Self, Diagnostics> {
        let mut diags = Diagnostics::new();
        let settings = Settings::read(&crate::files::Disk, process, &mut diags);
        let mut secrets = secrets(sources, &settings, process, ask, &mut diags);
        if secrets.passwords().is_empty() && !diags.has_errors() {
            // As `ansible-vault`: who gives no password is asked for one.
            match prompted("Vault password: ", ask) {
                Ok(bytes) => {
                    let id = DEFAULT_ID.to_owned();
                    secrets = Secrets::new(vec![Password { id, bytes }], false);
                }
                Err(diagnostic) => diags.push(*diagnostic),
            }
        }
        let encrypt_id = encrypt_id
            .map(str::to_owned)
            .or(settings.text("vault_encrypt_identity"));
        diags.into_result(Self {
            secrets,
            encrypt_id,
        })
    }

    /// The password for new texts.
    fn encrypting(&self) -> Result<&Password, Diagnostics> {
        let passwords = self.secrets.passwords();
        if let Some(id) = &self.encrypt_id {
            return passwords
                .iter()
                .find(|password| &password.id == id)
                .ok_or_else(|| {
                    let message = format!(
                        "Did not find a match for --encrypt-vault-id={id} in the known vault-ids"
                    );
                    Diagnostic::error("vault-password", message).into()
                });
        }
        let ids: std::collections::BTreeSet<&str> = passwords
            .iter()
            .map(|password| password.id.as_str())
            .collect();
        match (passwords.first(), ids.len()) {
            (Some(first), 1) => Ok(first),
            (None, _) => Err(Diagnostic::error(
                "vault-password",
                "A vault password is required to use Ansible's Vault",
            )
            .into()),
            _ => {
                let ids: Vec<&str> = ids.into_iter().collect();
                let message = format!(
                    "The vault-ids {} are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id",
                    ids.join(",")
                );
                Err(Diagnostic::error("vault-password", message).into())
            }
        }
    }

    /// Encrypts bytes.
    pub fn encrypt(&self, text: &[u8]) -> Result<String, Diagnostics> {
        if is_encrypted(text) {
            return Err(Diagnostic::error("vault", "input is already encrypted").into());
        }
        let password = self.encrypting()?;
        Ok(Envelope::seal(text, &password.id, &password.bytes, &salt()?).write())
    }

    /// Decrypts bytes.
    pub fn decrypt(&self, text: &[u8]) -> Result<Vec<u8>, Diagnostics> {
        let opened = self.secrets.open(text);
        opened.map(|(text, _)| text).map_err(|error| failed(&error))
    }

    /// The same text with another password; the id of the new one counts.
    fn again(&self, text: &[u8], new: &Password) -> Result<String, Diagnostics> {
        let plain = self.decrypt(text)?;
        Ok(Envelope::seal(&plain, &new.id, &new.bytes, &salt()?).write())
    }
}

fn failed(error: &VaultError) -> Diagnostics {
    Diagnostic::error("vault", error.to_string()).into()
}

fn salt() -> Result<Salt, Diagnostics> {
    let mut salt = [0; 32];
    random::fill(&mut salt).map_err(|error| {
        Diagnostics::from(
            Diagnostic::error("chance", "The system gives no chance").detail(error.to_string()),
        )
    })?;
    Ok(salt)
}

/// Reads a file of an `ansible-vault` command.
pub fn read(path: &Path) -> Result<Vec<u8>, Diagnostics> {
    fs::read(path).map_err(|error| file_error(path, &error))
}

fn file_error(path: &Path, error: &std::io::Error) -> Diagnostics {
    let message = format!("`{}` cannot be used", path.display());
    Diagnostic::error("file", message)
        .detail(error.to_string())
        .into()
}

/// Encrypts a file where it stands.
pub fn encrypt_file(path: &Path, keys: &Keys) -> Result<(), Diagnostics> {
    let text = keys
        .encrypt(&read(path)?)
        .map_err(|diags| about(path, diags))?;
    replace(path, text.as_bytes())
}

/// Decrypts a file where it stands.
pub fn decrypt_file(path: &Path, keys: &Keys) -> Result<(), Diagnostics> {
    let text = keys
        .decrypt(&read(path)?)
        .map_err(|diags| about(path, diags))?;
    replace(path, &text)
}

/// Gives a file another password.
pub fn rekey(path: &Path, keys: &Keys, new: &Keys) -> Result<(), Diagnostics> {
    let text = keys
        .again(&read(path)?, new.encrypting()?)
        .map_err(|diags| about(path, diags))?;
    replace(path, text.as_bytes())
}

fn about(path: &Path, diags: Diagnostics) -> Diagnostics {
    let named = diags.into_iter().map(|mut diagnostic| {
        diagnostic.summary = format!("{} for {}", diagnostic.summary, path.display());
        diagnostic
    });
    let mut all = Diagnostics::new();
    named.for_each(|diagnostic| all.push(diagnostic));
    all
}

/// Writes beside the file and renames; the file keeps its mode, and is for nobody else in between.
fn replace(path: &Path, text: &[u8]) -> Result<(), Diagnostics> {
    let mode = fs::metadata(path).map_or(0o600, |metadata| metadata.permissions().mode() & 0o7777);
    write(path, text, mode).map_err(|error| file_error(path, &error))
}

/// Writes a file with this mode, whole or not at all.
pub fn write(path: &Path, text: &[u8], mode: u32) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".vault-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text)?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))?;
    file.persist(path)?;
    Ok(())
}

/// Lets the user edit a text in `$EDITOR`. The file it is in is theirs alone and is gone afterwards.
pub fn edit(text: &[u8], name: &Path, process: &Process) -> Result<Vec<u8>, Diagnostics> {
    let broken = |error: std::io::Error| file_error(name, &error);
    let folder = tempfile::Builder::new()
        .prefix("strata-vault-")
        .tempdir()
        .map_err(broken)?;
    let path = folder
        .path()
        .join(name.file_name().unwrap_or("vault".as_ref()));
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(broken)?;
    file.write_all(text).map_err(broken)?;
    drop(file);
    let editor = ["EDITOR", "VISUAL"]
        .iter()
        .find_map(|name| process.environment.get(*name))
        .map_or("vi", String::as_str);
    let words = crate::registry::split(editor).unwrap_or_else(|| vec![editor.to_owned()]);
    let Some((program, arguments)) = words.split_first() else {
        return Err(Diagnostic::error("editor", "`EDITOR` is empty").into());
    };
    let status = Command::new(program).args(arguments).arg(&path).status();
    let status = status.map_err(|error| {
        Diagnostics::from(
            Diagnostic::error("editor", format!("The editor `{editor}` cannot be started"))
                .detail(error.to_string())
                .hint("Name another one in the environment variable `EDITOR`."),
        )
    })?;
    let edited = fs::read(&path).map_err(broken)?;
    overwrite(&path, edited.len().max(text.len()));
    if !status.success() {
        let message = format!("The editor `{editor}` ended with {status}, so nothing was changed");
        return Err(Diagnostic::error("editor", message).into());
    }
    Ok(edited)
}

/// Leaves nothing of the text on the disk, as far as the file system lets us.
fn overwrite(path: &Path, length: usize) {
    if let Ok(mut file) = fs::OpenOptions::new().write(true).open(path) {
        drop(
            file.write_all(&vec![0; length])
                .and_then(|()| file.sync_all()),
        );
    }
}

/// Opens a vaulted file in the editor and encrypts what comes back, if it changed.
pub fn edit_file(path: &Path, keys: &Keys, process: &Process) -> Result<(), Diagnostics> {
    let sealed = read(path)?;
    let (text, password) = keys
        .secrets
        .open(&sealed)
        .map_err(|error| about(path, failed(&error)))?;
    let edited = edit(&text, path, process)?;
    if edited == text {
        return Ok(());
    }
    let again = Envelope::seal(&edited, &password.id, &password.bytes, &salt()?).write();
    replace(path, again.as_bytes())
}

/// Makes a new vaulted file out of what the user writes.
pub fn create(path: &Path, keys: &Keys, process: &Process) -> Result<(), Diagnostics> {
    if path.exists() {
        let message = format!("{} exists, please use 'edit' instead", path.display());
        return Err(Diagnostic::error("file", message).into());
    }
    keys.encrypting()?;
    let text = edit(b"", path, process)?;
    let sealed = keys.encrypt(&text)?;
    write(path, sealed.as_bytes(), 0o600).map_err(|error| file_error(path, &error))
}

/// An encrypted value as it stands in YAML: `NAME: !vault |` and the text, indented by ten.
pub fn as_value(name: Option<&str>, sealed: &str) -> String {
    let mut text = match name {
        Some(name) => format!("{name}: !vault |\n"),
        None => "!vault |\n".to_owned(),
    };
    for line in sealed.lines() {
        text.push_str(&format!("          {line}\n"));
    }
    text
}

/// The header by which vaulted texts are known.
pub fn is_vault(text: &[u8]) -> bool {
    vault::is_encrypted(text)
}
