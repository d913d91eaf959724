//! Brings a role or collection into a folder: with git, out of an archive, or by the protocol of Galaxy servers.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value as Json;

use super::{Kind, Wanted, archive};
use crate::http;

/// How long a download may take.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Fetches into `folder`, which is not there yet. Gives the version, as far as it is known.
pub(super) fn fetch(one: &Wanted, server: &str, folder: &Path) -> Result<String, String> {
    match &one.from {
        Some(source) if one.git => git(source, one.version.as_deref(), folder),
        Some(source) if source.contains("://") => {
            let bytes = get(source)?;
            archive::unpack(&bytes, folder, one.kind == Kind::Role)?;
            Ok(one.version.clone().unwrap_or_default())
        }
        Some(path) => local(Path::new(path), one, folder),
        None if one.kind == Kind::Role => role(one, server, folder),
        None => collection(one, server, folder),
    }
}

fn get(url: &str) -> Result<Vec<u8>, String> {
    // Its server alone: the rest may hold a password.
    let server = url.split_once("://").map_or(url, |(_, rest)| rest);
    let server = server.split(['/', '?']).next().unwrap_or_default();
    let server = server.rsplit_once('@').map_or(server, |(_, server)| server);
    http::get(url, &BTreeMap::new(), TIMEOUT).map_err(|error| format!("`{server}`: {error}"))
}

fn json(url: &str) -> Result<Json, String> {
    serde_json::from_slice(&get(url)?).map_err(|error| format!("`{url}` answers no JSON: {error}"))
}

/// A clone without history; of a commit, the repository with it.
fn git(source: &str, version: Option<&str>, folder: &Path) -> Result<String, String> {
    let run = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .stdin(Stdio::null())
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .map_err(|error| format!("`git` cannot be started: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    };
    // An option must not look like a source, nor a source like an option.
    let (source, place) = (
        source.strip_prefix("git+").unwrap_or(source),
        folder.display().to_string(),
    );
    if source.starts_with('-') || version.is_some_and(|version| version.starts_with('-')) {
        return Err(format!("`{source}` is no repository"));
    }
    let shallow = match version {
        Some(version) => run(&[
            "clone", "--quiet", "--depth", "1", "--branch", version, "--", source, &place,
        ]),
        None => run(&["clone", "--quiet", "--depth", "1", "--", source, &place]),
    };
    if let (Err(_), Some(version)) = (&shallow, version) {
        drop(fs::remove_dir_all(folder));
        run(&["clone", "--quiet", "--", source, &place])?;
        run(&["-C", &place, "checkout", "--quiet", version])?;
    } else {
        shallow?;
    }
    fs::remove_dir_all(folder.join(".git")).map_err(|error| error.to_string())?;
    Ok(version.unwrap_or_default().to_owned())
}

/// An archive or a folder of this machine.
fn local(path: &Path, one: &Wanted, folder: &Path) -> Result<String, String> {
    if path.is_dir() {
        archive::copy(path, folder, 0)?;
    } else {
        let bytes = fs::read(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
        archive::unpack(&bytes, folder, one.kind == Kind::Role)?;
    }
    Ok(one.version.clone().unwrap_or_default())
}

/// `OWNER.NAME` on a Galaxy server: it says which repository on GitHub that is.
fn role(one: &Wanted, server: &str, folder: &Path) -> Result<String, String> {
    let Some((owner, name)) = one.name.split_once('.') else {
        return Err("a role on a Galaxy server has a name of two parts, `OWNER.NAME`".to_owned());
    };
    let server = server.trim_end_matches('/');
    let found = json(&format!(
        "{server}/api/v1/roles/?owner__username={owner}&name={name}"
    ))?;
    let found = found
        .pointer("/results/0")
        .ok_or_else(|| format!("{server} has no role `{}`", one.name))?;
    let text = |name: &str| found.get(name).and_then(Json::as_str);
    let (Some(user), Some(repository)) = (text("github_user"), text("github_repo")) else {
        return Err(format!("{server} does not say where `{}` is", one.name));
    };
    let versions = found
        .pointer("/summary_fields/versions")
        .and_then(Json::as_array);
    let names = versions
        .into_iter()
        .flatten()
        .filter_map(|version| version.get("name")?.as_str());
    let version = match &one.version {
        Some(version) => version.clone(),
        None => latest(names)
            .or_else(|| text("github_branch").map(str::to_owned))
            .unwrap_or_else(|| "HEAD".to_owned()),
    };
    let bytes = get(&format!(
        "https://github.com/{user}/{repository}/archive/{version}.tar.gz"
    ))?;
    archive::unpack(&bytes, folder, true)?;
    Ok(version)
}

/// `NAMESPACE.NAME` on a Galaxy server.
fn collection(one: &Wanted, server: &str, folder: &Path) -> Result<String, String> {
    let Some((namespace, name)) = one.name.split_once('.') else {
        return Err("a collection's name has two parts: `NAMESPACE.NAME`".to_owned());
    };
    let server = server.trim_end_matches('/');
    let index = format!(
        "{server}/api/v3/plugin/ansible/content/published/collections/index/{namespace}/{name}"
    );
    let listed = json(&format!("{index}/versions/?limit=100"))?;
    let versions = listed.get("data").and_then(Json::as_array);
    let names: Vec<&str> = versions
        .into_iter()
        .flatten()
        .filter_map(|version| version.get("version")?.as_str())
        .collect();
    let wanted = one.version.as_deref().unwrap_or("*");
    let fitting = names
        .iter()
        .copied()
        .filter(|version| fits(version, wanted));
    let version = latest(fitting).ok_or_else(|| {
        format!(
            "{server} has no version of `{}` that fits `{wanted}`",
            one.name
        )
    })?;
    let detail = json(&format!("{index}/versions/{version}/"))?;
    let url = detail.get("download_url").and_then(Json::as_str);
    let bytes = get(url.ok_or_else(|| format!("{server} does not say where `{}` is", one.name))?)?;
    if let Some(sum) = detail.pointer("/artifact/sha256").and_then(Json::as_str)
        && archive::sha256(&bytes) != sum
    {
        return Err("what was downloaded is not what the server promised (sha256)".to_owned());
    }
    archive::unpack(&bytes, folder, false)?;
    Ok(version)
}

/// Whether a version meets conditions such as `>=1.2.0,<2`; `1.2.0` and `==1.2.0` mean that one.
pub(super) fn fits(version: &str, wanted: &str) -> bool {
    let own = key(version);
    wanted.split(',').map(str::trim).all(|condition| {
        let end = condition
            .find(|one: char| !matches!(one, '<' | '>' | '=' | '!'))
            .unwrap_or(condition.len());
        let (operator, other) = condition.split_at(end);
        let other_key = key(other.trim());
        match operator {
            _ if other.trim() == "*" => !version.contains('-'),
            "" | "=" | "==" => own == other_key,
            "!=" => own != other_key,
            ">=" => own >= other_key && !version.contains('-'),
            "<=" => own <= other_key && !version.contains('-'),
            ">" => own > other_key && !version.contains('-'),
            "<" => own < other_key && !version.contains('-'),
            _ => false,
        }
    })
}

/// The newest of versions; those before a release count only where there is nothing else.
pub(super) fn latest<'a>(versions: impl Iterator<Item = &'a str>) -> Option<String> {
    let newest = versions.max_by_key(|version| (!version.contains('-'), key(version)));
    newest.map(str::to_owned)
}

/// The numbers of a version.
fn key(version: &str) -> (Vec<u64>, bool) {
    let version = version.trim_start_matches('v');
    let (numbers, before) = version.split_once('-').unwrap_or((version, ""));
    let mut numbers: Vec<u64> = numbers
        .split('.')
        .map(|part| part.parse().unwrap_or(0))
        .collect();
    numbers.resize(4, 0);
    (numbers, before.is_empty())
}
