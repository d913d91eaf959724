//! `fmt`: rewrites configuration files as `terraform fmt` does.

use std::{
    fs,
    io::{self, Write},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use strata_core::{Diagnostic, Diagnostics, Source};

/// Endings of the files that are formatted: Terraform's, then those that only OpenTofu has.
const ENDINGS: [&str; 6] = [
    ".tf",
    ".tfvars",
    ".tftest.hcl",
    ".tfmock.hcl",
    ".tofu",
    ".tofutest.hcl",
];

/// What to format, and what to do with it.
#[derive(Clone, Debug)]
pub struct FormatOptions {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Whether to go into folders inside of folders.
    pub recursive: bool,
    /// Whether to write what changes.
    pub write: bool,
}

/// A file before and after.
#[derive(Clone, Debug)]
pub struct Formatted {
    /// Its path as it is shown.
    pub name: String,
    /// What it held.
    pub before: Arc<str>,
    /// What `fmt` makes of it.
    pub after: String,
    /// The same byte by byte, where comments hold bytes that are no part of a character.
    pub raw: Option<Vec<u8>>,
}

impl Formatted {
    /// True if there was something to do.
    pub fn changed(&self) -> bool {
        *self.before != self.after
    }
}

/// Formats files and folders, telling `each` of every file that has no mistakes.
///
/// Folders are read in order of names; hidden files and backups of editors in them are left alone. A path that is not
/// there ends it, as in Terraform.
pub fn format(options: &FormatOptions, each: &mut dyn FnMut(Formatted), diags: &mut Diagnostics) {
    let write = options.write;
    for path in &options.paths {
        let path = shown(path);
        if path.is_dir() {
            folder(&path, options, each, diags);
        } else if !path.exists() {
            let summary = format!("No file or directory at {}", path.display());
            return diags.push(Diagnostic::error("missing-file", summary));
        } else if is_formatted(&path.to_string_lossy()) {
            file(&path, write, each, diags);
        } else {
            diags.push(wrong_kind(&path));
        }
    }
}

/// Formats a text that is in no file.
pub fn format_text(name: &str, text: Vec<u8>) -> Result<Formatted, Diagnostics> {
    of_bytes(name, &text)
}

fn of_bytes(name: &str, bytes: &[u8]) -> Result<Formatted, Diagnostics> {
    let text = strata_hcl::decode(bytes).map_err(|at| not_utf8(name, at))?;
    let formatted = formatted(name, text.into())?;
    Ok(match std::str::from_utf8(bytes) {
        Ok(_) => formatted,
        Err(_) => readable(formatted),
    })
}

fn formatted(name: &str, before: Arc<str>) -> Result<Formatted, Diagnostics> {
    let source = Arc::new(Source::new(name, before.clone()));
    Ok(Formatted {
        name: name.to_owned(),
        before,
        after: strata_hcl::format(&source)?,
        raw: None,
    })
}

fn not_utf8(name: &str, at: usize) -> Diagnostic {
    Diagnostic::error("not-utf8", "Invalid character encoding").detail(format!(
        "`{name}` is not UTF-8 text: byte {at} begins no character. Ensure that UTF-8 encoding is selected in your editor."
    ))
}

fn wrong_kind(path: &Path) -> Diagnostic {
    let summary = "Only .tf, .tfvars, .tofu, .tftest.hcl and .tofutest.hcl files can be processed with strata fmt";
    Diagnostic::error("wrong-kind-of-file", summary)
        .detail(format!("`{}` is none of them.", path.display()))
}

/// A path without `.` and `..`, relative if it is inside of the working directory.
fn shown(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if clean.file_name().is_some() => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    let working = std::env::current_dir().unwrap_or_default();
    let inside = clean.strip_prefix(&working).map(Path::to_owned);
    let clean = inside.unwrap_or(clean);
    if clean.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        clean
    }
}

fn is_formatted(name: &str) -> bool {
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn is_ignored(name: &str) -> bool {
    name.starts_with('.') || name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'))
}

/// Formats what is in a folder; links to folders are not followed, so no loop of them can hold it.
fn folder(
    path: &Path,
    options: &FormatOptions,
    each: &mut dyn FnMut(Formatted),
    diags: &mut Diagnostics,
) {
    let mut waiting = match inside(path) {
        Ok(entries) => entries,
        Err(error) => return diags.push(unreadable(path, &error)),
    };
    waiting.reverse();
    while let Some(path) = waiting.pop() {
        if !is_wanted(&path, options.recursive) {
            continue;
        }
        if !path.is_dir() {
            file(&path, options.write, each, diags);
            continue;
        }
        match inside(&path) {
            Ok(entries) => waiting.extend(entries.into_iter().rev()),
            Err(error) => diags.push(unreadable(&path, &error)),
        }
    }
}

/// What a folder holds, by name.
fn inside(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut names: Vec<_> = entries.iter().map(fs::DirEntry::file_name).collect();
    names.sort();
    let place = if folder == Path::new(".") {
        Path::new("")
    } else {
        folder
    };
    Ok(names.iter().map(|name| place.join(name)).collect())
}

fn is_wanted(path: &Path, recursive: bool) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if is_ignored(&name) {
        return false;
    }
    if path.is_dir() {
        return recursive && !path.is_symlink();
    }
    is_formatted(&name)
}

fn file(path: &Path, write: bool, each: &mut dyn FnMut(Formatted), diags: &mut Diagnostics) {
    let name = path.to_string_lossy();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return diags.push(unreadable(path, &error)),
    };
    match of_bytes(&name, &bytes) {
        Ok(formatted) => {
            let raw = formatted.raw.as_deref();
            let after = raw.unwrap_or(formatted.after.as_bytes());
            if write
                && bytes != after
                && let Err(error) = replace(path, after)
            {
                diags.push(
                    Diagnostic::error("file-not-written", format!("Failed to write {name}"))
                        .detail(error.to_string()),
                );
            }
            each(formatted);
        }
        Err(mistakes) => diags.extend(mistakes),
    }
}

/// The same with a sign of replacement for each byte that is no part of a character.
fn readable(formatted: Formatted) -> Formatted {
    let raw = strata_hcl::encode(&formatted.after);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Formatted {
        before: text(&strata_hcl::encode(&formatted.before)).into(),
        after: text(&raw),
        name: formatted.name,
        raw: Some(raw),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Diagnostic {
    let what = if path.is_dir() { "directory" } else { "file" };
    let summary = format!("Cannot read {what} {}", path.display());
    Diagnostic::error("unreadable", summary).detail(error.to_string())
}

/// Replaces what a file holds at once, so that no crash leaves half of it. Links and permissions stay.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = path.canonicalize()?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut scratch = tempfile::NamedTempFile::new_in(folder)?;
    scratch.write_all(bytes)?;
    scratch
        .as_file()
        .set_permissions(fs::metadata(&path)?.permissions())?;
    scratch.as_file().sync_all()?;
    scratch.persist(&path)?;
    Ok(())
}
