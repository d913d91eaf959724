//! `find`: the paths below some folders that fit a description.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::stat::facts;
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::encoding::{self, Encoding};
use crate::host::{Host, Kind, Metadata};
use crate::mode::Mode;
use crate::module::{Module, ModuleError, Report, values};
use crate::pattern::{self, Pattern};
use crate::protocol::{Notice, Task};
use crate::{digest, glob};

pub(super) struct Find {
    paths: Vec<PathBuf>,
    filter: Filter,
    recurse: bool,
    hidden: bool,
    follow: bool,
    depth: Option<usize>,
    limit: Option<usize>,
    checksum: Option<String>,
}

/// What a path must be.
struct Filter {
    patterns: Vec<Pattern>,
    excludes: Vec<Pattern>,
    contains: Option<Pattern>,
    whole: bool,
    kind: String,
    age: Option<i64>,
    stamp: String,
    size: Option<i64>,
    mode: Option<Mode>,
    exact_mode: bool,
    /// How the files are read in which something is looked for.
    encoding: Option<Encoding>,
    /// What is wrong with a pattern: then no folder can be looked through.
    broken: Option<String>,
}

/// What was found on the way.
#[derive(Default)]
pub(super) struct Found {
    files: Vec<Value>,
    examined: usize,
    skipped: BTreeMap<String, String>,
    limited: bool,
}

/// How deep folders are walked at most.
const DEEPEST: usize = 200;

impl Module for Find {
    const SPEC: Spec = Spec::new(
        "find",
        &[
            Field::list("paths").alias(&["name", "path"]).required(),
            Field::list("patterns").alias(&["pattern"]),
            Field::list("excludes").alias(&["exclude"]),
            Field::str("contains"),
            Field::bool("read_whole_file", false),
            Field::str("file_type")
                .choices(&["any", "directory", "file", "link"])
                .default("file"),
            Field::str("age"),
            Field::str("age_stamp")
                .choices(&["atime", "ctime", "mtime"])
                .default("mtime"),
            Field::str("size"),
            Field::bool("recurse", false),
            Field::bool("hidden", false),
            Field::bool("follow", false),
            Field::bool("get_checksum", false),
            Field::str("checksum_algorithm")
                .alias(&["checksum", "checksum_algo"])
                .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
                .default("sha1"),
            Field::bool("use_regex", false),
            Field::int("depth"),
            Field::new("mode", FieldKind::Raw),
            Field::bool("exact_mode", true),
            Field::str("encoding"),
            Field::int("limit"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Find, ModuleError> {
        let limit = arguments.int("limit");
        if let Some(limit) = limit.filter(|limit| *limit <= 0) {
            return Err(ModuleError::new(format!(
                "limit cannot be {limit} (use None for unlimited)"
            )));
        }
        let number = |name| {
            let given = arguments.int(name).filter(|number| *number > 0);
            given.and_then(|number| usize::try_from(number).ok())
        };
        let paths = arguments.list("paths").unwrap_or_default();
        let algorithm = arguments.text("checksum_algorithm");
        Ok(Find {
            paths: paths.into_iter().map(PathBuf::from).collect(),
            filter: Filter::read(arguments)?,
            recurse: arguments.bool("recurse"),
            hidden: arguments.bool("hidden"),
            follow: arguments.bool("follow"),
            depth: number("depth"),
            limit: number("limit"),
            checksum: arguments.bool("get_checksum").then_some(algorithm),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found::default();
        for path in &self.paths {
            let there = host.metadata_followed(path)?;
            let is_folder = there.is_some_and(|there| there.kind == Kind::Directory);
            if let (true, Some(why)) = (is_folder, &self.filter.broken) {
                found.give_up(host, path, why);
                continue;
            }
            if is_folder {
                self.walk(host, path, 1, &mut found)?;
                continue;
            }
            let shown = path.display().to_string();
            let reason = format!("'{shown}' is not a directory");
            found.skipped.insert(shown, reason);
        }
        Ok(found)
    }

    fn decide(&self, _: &Found) -> Vec<Change> {
        Vec::new()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let msg = if !found.skipped.is_empty() {
            "Not all paths examined, check warnings for details"
        } else if found.limited {
            "Limit of matches reached"
        } else {
            "All paths examined"
        };
        let notices = found.skipped.iter().map(|(path, reason)| {
            Notice::Warning(format!(
                "Skipped '{path}' path due to this access issue: {reason}\n"
            ))
        });
        Ok(Report {
            msg: msg.to_owned(),
            notices: notices.collect(),
            values: values(json!({
                "files": found.files, "matched": found.files.len(),
                "examined": found.examined, "skipped_paths": found.skipped,
            })),
            ..Report::default()
        })
    }
}

impl Found {
    /// The first name in a folder shows that a pattern is none; an empty folder does not.
    fn give_up(&mut self, host: &dyn Host, folder: &Path, why: &str) {
        let names = host.list(folder).unwrap_or_default();
        self.examined += names.len();
        if !names.is_empty() {
            self.skipped
                .insert(folder.display().to_string(), why.to_owned());
        }
    }
}

impl Find {
    /// Looks at what is in a folder, then below; files of a folder come before its folders.
    fn walk(
        &self,
        host: &dyn Host,
        folder: &Path,
        depth: usize,
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        if depth > DEEPEST {
            return Err(ModuleError::new(format!(
                "{} is nested too deep",
                folder.display()
            )));
        }
        let names = match host.list(folder) {
            Ok(names) => names,
            Err(error) => {
                found
                    .skipped
                    .insert(folder.display().to_string(), error.to_string());
                return Ok(());
            }
        };
        let mut files = Vec::new();
        let mut folders = Vec::new();
        for name in names {
            let path = folder.join(&name);
            let Some(metadata) = host.metadata(&path)? else {
                continue;
            };
            let is_folder = metadata.kind == Kind::Directory
                || metadata.kind == Kind::Symlink
                    && host
                        .metadata_followed(&path)?
                        .is_some_and(|end| end.kind == Kind::Directory);
            let to = if is_folder { &mut folders } else { &mut files };
            to.push((name, path, metadata));
        }
        found.examined += files.len() + folders.len();
        if self.depth.is_some_and(|deepest| depth > deepest) {
            return Ok(());
        }
        for (name, path, metadata) in files.iter().chain(&folders) {
            if name.starts_with('.') && !self.hidden {
                continue;
            }
            if self.filter.fits(host, name, path, metadata) {
                found
                    .files
                    .push(self.describe(host, path, metadata)?.into());
            }
            if self.limit.is_some_and(|limit| found.files.len() >= limit) {
                found.limited = true;
                return Ok(());
            }
        }
        if !self.recurse {
            return Ok(());
        }
        for (_, path, metadata) in &folders {
            // A link that leads back up ends at the limit of depth.
            if metadata.kind == Kind::Symlink && !self.follow {
                continue;
            }
            self.walk(host, path, depth + 1, found)?;
            if found.limited {
                break;
            }
        }
        Ok(())
    }

    fn describe(
        &self,
        host: &dyn Host,
        path: &Path,
        metadata: &Metadata,
    ) -> Result<Map<String, Value>, ModuleError> {
        let mut described = facts(host, path, metadata)?;
        for of_stat_alone in [
            "exists",
            "block_size",
            "blocks",
            "device_type",
            "readable",
            "writeable",
            "executable",
        ] {
            described.remove(of_stat_alone);
        }
        for name in ["pw_name", "gr_name"] {
            described.entry(name).or_insert_with(|| "".into());
        }
        if let (Some(algorithm), Kind::File) = (&self.checksum, metadata.kind)
            && let Ok(mut file) = host.open(path)
        {
            let digest = digest::of_stream(algorithm, &mut file).ok().flatten();
            described.insert("checksum".to_owned(), digest.into());
        }
        Ok(described)
    }
}

impl Filter {
    fn read(arguments: &Arguments) -> Result<Filter, ModuleError> {
        let use_regex = arguments.bool("use_regex");
        let mut broken = None;
        let mut compile = |name: &str| -> Vec<Pattern> {
            let given = arguments.list(name).unwrap_or_default();
            let compiled = given.iter().map(|text| match use_regex {
                // As Python's `match`: at the beginning.
                true => pattern::python(name, &format!("^(?:{text})")),
                false => glob::compile(text)
                    .map(Pattern::Plain)
                    .ok_or_else(|| ModuleError::new(format!("`{text}` is not a pattern"))),
            });
            let compiled: Result<Vec<Pattern>, ModuleError> = compiled.collect();
            compiled.unwrap_or_else(|error| {
                broken.get_or_insert(error.msg);
                Vec::new()
            })
        };
        let (patterns, excludes) = (compile("patterns"), compile("excludes"));
        let whole = arguments.bool("read_whole_file");
        let contains = arguments.string("contains").map(|text| match whole {
            true => pattern::python("contains", &text),
            false => pattern::python("contains", &format!("^(?:{text})")),
        });
        let mode = match arguments.raw("mode") {
            None => None,
            Some(Value::String(text)) => Some(Mode::read(&Value::from(text.clone()))?),
            Some(_) => {
                return Err(ModuleError::new(
                    "argument 'mode' is not a string and conversion is not allowed",
                ));
            }
        };
        Ok(Filter {
            patterns,
            excludes,
            contains: contains.transpose()?,
            whole,
            kind: arguments.text("file_type"),
            age: quantity(arguments, "age", AGES)?,
            stamp: arguments.text("age_stamp"),
            size: quantity(arguments, "size", SIZES)?,
            mode,
            exact_mode: arguments.bool("exact_mode"),
            encoding: match arguments.filled("encoding") {
                Some(_) => Some(encoding::read(arguments, "encoding")?),
                None => None,
            },
            broken,
        })
    }

    fn fits(&self, host: &dyn Host, name: &str, path: &Path, metadata: &Metadata) -> bool {
        let is_file = metadata.kind == Kind::File;
        let kind = match self.kind.as_str() {
            "any" => true,
            "directory" => metadata.kind == Kind::Directory,
            "link" => metadata.kind == Kind::Symlink,
            _ => is_file,
        };
        kind && self.is_named(name)
            && self.is_aged(host.now(), metadata)
            && self.has_mode(metadata.mode)
            && (!is_file || within(self.size, metadata.size as f64))
            && (self.kind != "file" || self.has_content(host, path))
    }

    fn is_named(&self, name: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.is_match(name));
        (self.patterns.is_empty() || any(&self.patterns)) && !any(&self.excludes)
    }

    fn is_aged(&self, now: f64, metadata: &Metadata) -> bool {
        let time = match self.stamp.as_str() {
            "atime" => metadata.accessed,
            "ctime" => metadata.changed,
            _ => metadata.modified,
        };
        within(self.age, now - time)
    }

    fn has_mode(&self, mode: u32) -> bool {
        let Some(wanted) = &self.mode else {
            return true;
        };
        let wanted = wanted.apply(0, false).unwrap_or(0);
        if self.exact_mode {
            mode == wanted
        } else {
            mode & wanted != 0
        }
    }

    fn has_content(&self, host: &dyn Host, path: &Path) -> bool {
        let Some(pattern) = &self.contains else {
            return true;
        };
        let text = match self.encoding {
            Some(encoding) => host
                .read(path)
                .ok()
                .and_then(|bytes| encoding.decode(&bytes)),
            None => host.read_text(path),
        };
        match text {
            Some(text) if self.whole => pattern.is_match(&text),
            Some(text) => text
                .split_inclusive('\n')
                .any(|line| pattern.is_match(line)),
            None => false,
        }
    }
}

/// At least so much, or at most where the limit is negative.
fn within(limit: Option<i64>, amount: f64) -> bool {
    match limit {
        None => true,
        Some(limit) if limit >= 0 => amount >= limit as f64,
        Some(limit) => amount <= -limit as f64,
    }
}

const AGES: &[(char, i64)] = &[
    ('s', 1),
    ('m', 60),
    ('h', 3600),
    ('d', 86400),
    ('w', 604_800),
];
const SIZES: &[(char, i64)] = &[
    ('b', 1),
    ('k', 1 << 10),
    ('m', 1 << 20),
    ('g', 1 << 30),
    ('t', 1 << 40),
];

/// A number with an optional unit.
fn quantity(
    arguments: &Arguments,
    name: &str,
    units: &[(char, i64)],
) -> Result<Option<i64>, ModuleError> {
    let Some(given) = arguments.string(name) else {
        return Ok(None);
    };
    let lower = given.to_lowercase();
    let unit = units.iter().find(|(unit, _)| lower.ends_with(*unit));
    let number = match unit {
        Some(_) => &lower[..lower.len() - 1],
        None => &lower,
    };
    let factor = unit.map_or(1, |(_, factor)| *factor);
    let parsed: Option<i64> = number.parse().ok();
    match parsed.and_then(|number| number.checked_mul(factor)) {
        Some(number) => Ok(Some(number)),
        None => {
            Err(ModuleError::new(format!("failed to process {name}")).with(json!({ name: given })))
        }
    }
}
