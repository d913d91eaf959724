//! `file`: a file, a folder or a text is put on a host.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use strata_engine::Provision;

use super::{
    arguments::text,
    remote::{self, Remote},
};

pub(super) async fn run(call: &Provision) -> Result<(), String> {
    let config = &call.config;
    let destination = text(config, "destination").unwrap_or_default();
    let (source, content) = (text(config, "source"), text(config, "content"));
    let remote = remote::connect(call).await?;
    match (source, content) {
        (Some(source), None) if Path::new(&source).is_dir() => {
            folder(&remote, &source, &destination).await
        }
        (Some(source), None) => {
            let (bytes, mode) = read(Path::new(&source))?;
            let name = Path::new(&source).file_name().unwrap_or_default();
            let to = place(&remote, &destination, &name.to_string_lossy()).await?;
            remote.upload(&to, mode, &bytes).await
        }
        (None, Some(content)) => {
            let to = place(&remote, &destination, "content").await?;
            remote.upload(&to, 0o644, content.as_bytes()).await
        }
        _ => Err("one of `source` and `content` must be set".to_owned()),
    }
}

fn read(path: &Path) -> Result<(Vec<u8>, u32), String> {
    let wrong = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    let bytes = fs::read(path).map_err(wrong)?;
    let mode = fs::metadata(path).map_err(wrong)?.permissions().mode();
    Ok((bytes, mode & 0o777))
}

/// Into a folder that is there the file goes under its own name.
async fn place(remote: &Remote, destination: &str, name: &str) -> Result<String, String> {
    let quoted = shlex::try_quote(destination).map_err(|_| "`destination` has a zero in it")?;
    let test = format!("test -d {quoted}");
    let is_folder = remote.shell(&test, &[], &|_| {}).await? == 0;
    Ok(match is_folder {
        true => format!("{}/{name}", destination.trim_end_matches('/')),
        false => destination.to_owned(),
    })
}

/// With a slash at the end of the source its content goes into the destination, else the folder itself does.
async fn folder(remote: &Remote, source: &str, destination: &str) -> Result<(), String> {
    let root = Path::new(source);
    let base = match source.ends_with('/') {
        true => PathBuf::from(destination),
        false => Path::new(destination).join(root.file_name().unwrap_or_default()),
    };
    let mut folders = vec![(root.to_owned(), base)];
    while let Some((from, to)) = folders.pop() {
        let entries = fs::read_dir(&from)
            .map_err(|error| format!("`{}` cannot be read: {error}", from.display()))?;
        for entry in entries.filter_map(Result::ok) {
            let (path, to) = (entry.path(), to.join(entry.file_name()));
            if path.is_dir() {
                folders.push((path, to));
                continue;
            }
            let (bytes, mode) = read(&path)?;
            remote.upload(&to.to_string_lossy(), mode, &bytes).await?;
        }
    }
    Ok(())
}
