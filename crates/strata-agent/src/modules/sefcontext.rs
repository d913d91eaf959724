//! `sefcontext`: which context of SELinux the files of a path get, by `semanage`.
//!
//! As `community.general.sefcontext` 11.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::diff;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Sefcontext {
    target: String,
    ftype: String,
    setype: Option<String>,
    substitute: Option<String>,
    seuser: Option<String>,
    selevel: Option<String>,
    present: bool,
    reload: bool,
    ignore_state: bool,
    diff: bool,
}

/// What is kept for the path.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    context: Option<Context>,
    substitute: Option<String>,
}

#[derive(Debug, PartialEq)]
struct Context {
    user: String,
    role: String,
    kind: String,
    range: String,
}

/// A letter, and what `semanage` calls it in its list.
const TYPES: &[(&str, &str)] = &[
    ("a", "all files"),
    ("b", "block device"),
    ("c", "character device"),
    ("d", "directory"),
    ("f", "regular file"),
    ("l", "symbolic link"),
    ("p", "named pipe"),
    ("s", "socket"),
];

impl Module for Sefcontext {
    const SPEC: Spec = Spec::new(
        "community.general.sefcontext",
        &[
            Field::bool("ignore_selinux_state", false),
            Field::str("target").alias(&["path"]).required(),
            Field::str("ftype")
                .choices(&["a", "b", "c", "d", "f", "l", "p", "s"])
                .default("a"),
            Field::str("setype"),
            Field::str("substitute").alias(&["equal"]),
            Field::str("seuser"),
            Field::str("selevel").alias(&["serange"]),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::bool("reload", true),
        ],
    )
    .exclusive(&[
        &["setype", "substitute"],
        &["substitute", "ftype"],
        &["substitute", "seuser"],
        &["substitute", "selevel"],
    ]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Sefcontext, ModuleError> {
        let module = Sefcontext {
            target: arguments.text("target"),
            ftype: arguments.text("ftype"),
            setype: arguments.string("setype"),
            substitute: arguments.string("substitute"),
            seuser: arguments.string("seuser"),
            selevel: arguments.string("selevel"),
            present: arguments.text("state") == "present",
            reload: arguments.bool("reload"),
            ignore_state: arguments.bool("ignore_selinux_state"),
            diff: task.diff,
        };
        if module.present && module.setype.is_none() && module.substitute.is_none() {
            return Err(ModuleError::new(
                "state is present but any of the following are missing: setype, substitute",
            ));
        }
        if module.target.starts_with('-') {
            return Err(ModuleError::new(
                "a path of SELinux does not begin with `-`",
            ));
        }
        Ok(module)
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let is_on = host.metadata("/sys/fs/selinux/enforce".as_ref())?.is_some();
        if !is_on && !self.ignore_state {
            return Err(ModuleError::new("SELinux is disabled on this host."));
        }
        programs::required(host, "semanage")?;
        let said = programs::checked(host, &plain(["semanage", "fcontext", "-l", "-n"]))?;
        let mut found = Found::default();
        for line in said.stdout.lines() {
            match read(line) {
                Some(Line::Context(target, ftype, context))
                    if target == self.target && ftype == self.ftype =>
                {
                    found.context = Some(context);
                }
                // Those of the distribution stand first, and count more.
                Some(Line::Substitute(target, other)) if target == self.target => {
                    found.substitute.get_or_insert(other);
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let runs = match (self.present, &self.substitute) {
            (true, None) => self.context_words(found).into_iter().collect(),
            (true, Some(substitute)) => match &found.substitute {
                Some(now) if now == substitute => Vec::new(),
                // There is no way to change one: `semanage` takes `-m` for another that is added.
                now => {
                    let mut runs = Vec::new();
                    runs.extend(now.as_ref().map(|now| vec!["-d", "-e", now]));
                    runs.push(vec!["-a", "-e", substitute]);
                    runs
                }
            },
            (false, _) => self.removal_words(found),
        };
        let change = |words: Vec<&str>| {
            let start = ["semanage", "fcontext"].into_iter();
            let quiet = (!self.reload).then_some("-N");
            let words = start
                .chain(words)
                .chain(quiet)
                .chain([self.target.as_str()]);
            programs::change(plain(words))
        };
        runs.into_iter().map(change).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let state = if self.present { "present" } else { "absent" };
        let mut report = values(json!({
            "target": self.target, "ftype": self.ftype, "setype": self.setype,
            "substitute": self.substitute, "state": state,
        }));
        if self.present {
            let (user, range) = match self.substitute {
                None => (json!(self.user(found)), json!(self.range(found))),
                Some(_) => (json!(self.seuser), json!(self.selevel)),
            };
            report.insert("seuser".to_owned(), user);
            report.insert("serange".to_owned(), range);
        }
        let shows = self.diff && outcome.changed;
        Ok(Report {
            diff: shows.then(|| self.shown(found)).into_iter().collect(),
            ..Report::of(report)
        })
    }
}

impl Sefcontext {
    /// The user that is asked for, or else the one that is there.
    fn user<'a>(&'a self, found: &'a Found) -> &'a str {
        let now = found
            .context
            .as_ref()
            .map_or("system_u", |now| now.user.as_str());
        self.seuser.as_deref().unwrap_or(now)
    }

    fn range<'a>(&'a self, found: &'a Found) -> &'a str {
        let now = found
            .context
            .as_ref()
            .map_or("s0", |now| now.range.as_str());
        self.selevel.as_deref().unwrap_or(now)
    }

    fn context_words<'a>(&'a self, found: &'a Found) -> Option<Vec<&'a str>> {
        let kind = self.setype.as_deref()?;
        let (user, range) = (self.user(found), self.range(found));
        let verb = match &found.context {
            Some(now) if now.kind == kind && now.user == user && now.range == range => return None,
            Some(_) => "-m",
            None => "-a",
        };
        Some(vec![
            verb,
            "-f",
            &self.ftype,
            "-t",
            kind,
            "-r",
            range,
            "-s",
            user,
        ])
    }

    fn removal_words<'a>(&'a self, found: &'a Found) -> Vec<Vec<&'a str>> {
        let mut runs = Vec::new();
        if found.context.is_some() && self.substitute.is_none() {
            runs.push(vec!["-d", "-f", self.ftype.as_str()]);
        }
        if let (Some(now), None) = (&found.substitute, &self.setype)
            && self.substitute.as_ref().is_none_or(|wanted| wanted == now)
        {
            runs.push(vec!["-d", "-e", now]);
        }
        runs
    }

    fn shown(&self, found: &Found) -> crate::protocol::Diff {
        let context = |user: &str, role: &str, kind: &str, range: &str| {
            json!(format!("{user}:{role}:{kind}:{range}"))
        };
        let now = found.context.as_ref();
        let mut before = values(json!({}));
        let mut after = before.clone();
        if self.substitute.is_none()
            && let Some(now) = now
        {
            let text = context(&now.user, &now.role, &now.kind, &now.range);
            before.insert("context".to_owned(), text);
        }
        if self.present
            && let Some(kind) = &self.setype
        {
            let role = now.map_or("object_r", |now| now.role.as_str());
            let text = context(self.user(found), role, kind, self.range(found));
            after.insert("context".to_owned(), text);
        }
        if let (Some(now), None) = (&found.substitute, &self.setype) {
            before.insert("substitute".to_owned(), json!(now));
        }
        if self.present
            && let Some(substitute) = &self.substitute
        {
            after.insert("substitute".to_owned(), json!(substitute));
        }
        diff::of_values(&self.target, &before.into(), &after.into())
    }
}

/// A line of `semanage fcontext -l`.
#[derive(Debug, PartialEq)]
enum Line<'a> {
    /// A path, the letter of its type, and the context.
    Context(&'a str, &'static str, Context),
    Substitute(&'a str, String),
}

/// `/srv/git(/.*)?    all files    system_u:object_r:git_t:s0`, or `/srv/a = /var/a`
fn read(line: &str) -> Option<Line<'_>> {
    let line = line.trim_end();
    let (rest, last) = line.rsplit_once(char::is_whitespace)?;
    let rest = rest.trim_end();
    if let Some(target) = rest.strip_suffix(" =") {
        return Some(Line::Substitute(target.trim(), last.to_owned()));
    }
    let (letter, name) = TYPES.iter().find(|(_, name)| {
        let before = rest.strip_suffix(name);
        before.is_some_and(|before| before.ends_with(char::is_whitespace))
    })?;
    let target = rest.strip_suffix(name)?.trim();
    let mut parts = last.splitn(4, ':').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_default();
    // `<<None>>` is no context, but a type of its own.
    let (user, role, kind, range) = match last {
        "<<None>>" => (String::new(), String::new(), last.to_owned(), String::new()),
        _ => (part(), part(), part(), part()),
    };
    let context = Context {
        user,
        role,
        kind,
        range,
    };
    Some(Line::Context(target, letter, context))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_contexts_is_read() {
        let line = "/srv/my git(/.*)?      regular file       system_u:object_r:git_t:s0:c1.c2 ";
        let context = Context {
            user: "system_u".to_owned(),
            role: "object_r".to_owned(),
            kind: "git_t".to_owned(),
            range: "s0:c1.c2".to_owned(),
        };
        assert_eq!(
            read(line),
            Some(Line::Context("/srv/my git(/.*)?", "f", context))
        );
        let equal = Line::Substitute("/srv/a", "/var/a".to_owned());
        assert_eq!(read("/srv/a = /var/a"), Some(equal));
        assert!(
            matches!(read("/x  all files  <<None>>"), Some(Line::Context("/x", "a", context)) if context.kind == "<<None>>")
        );
        assert_eq!(read(""), None);
    }
}
