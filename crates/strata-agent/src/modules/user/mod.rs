//! `user`: a user is there with these properties, or is not.

use serde_json::{Value, json};

use super::group::{account_name, number, ranges};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Notice, Task};
use crate::system::{self, AccountChange, UserOptions};
use ages::Ages;
use key::Key;

mod ages;
mod home;
mod key;
pub(super) mod local;

pub(super) struct User {
    name: String,
    present: bool,
    options: UserOptions,
    password: Option<String>,
    always_update_password: bool,
    password_lock: Option<bool>,
    remove: bool,
    force: bool,
    /// By the tools of libuser, which know only this machine's own files.
    local: bool,
    ages: Ages,
    /// Days since 1970; below zero for never.
    expires: Option<i64>,
    key: Option<Key>,
}

/// The user before.
pub(super) struct Found {
    user: Option<system::User>,
    /// The groups of which the user is a member beside the primary one.
    groups: Vec<String>,
    primary: String,
    hash: Option<String>,
    /// The fields of the user's line in `/etc/shadow`.
    shadow: Vec<String>,
    key: key::Found,
    /// What makes the home of a user who has none.
    home: Vec<Change>,
}

impl Module for User {
    const SPEC: Spec = Spec::new(
        "user",
        &[
            Field::str("name").alias(&["user"]).required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::int("uid"),
            Field::bool("non_unique", false),
            Field::str("group"),
            Field::list("groups"),
            Field::bool("append", false),
            Field::str("comment"),
            Field::path("home"),
            Field::bool("create_home", true).alias(&["createhome"]),
            Field::bool("move_home", false),
            Field::str("skeleton"),
            Field::path("shell"),
            Field::bool("system", false),
            Field::str("password"),
            Field::str("update_password")
                .choices(&["always", "on_create"])
                .default("always"),
            Field::maybe("password_lock"),
            Field::bool("remove", false),
            Field::bool("force", false),
            Field::new("expires", FieldKind::Float),
            Field::bool("generate_ssh_key", false),
            Field::int("ssh_key_bits"),
            Field::str("ssh_key_type").default("rsa"),
            Field::path("ssh_key_file"),
            Field::str("ssh_key_comment"),
            Field::str("ssh_key_passphrase"),
            Field::int("password_expire_max"),
            Field::int("password_expire_min"),
            Field::int("password_expire_warn"),
            Field::int("password_expire_account_disable"),
            Field::str("umask"),
            Field::int("uid_min"),
            Field::int("uid_max"),
            Field::str("seuser"),
            Field::bool("local", false),
            Field::unsupported("login_class"),
            Field::unsupported("role"),
            Field::unsupported("profile"),
            Field::unsupported("authorization"),
            Field::unsupported("hidden"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<User, ModuleError> {
        let groups = arguments.list("groups").map(|groups| {
            groups
                .into_iter()
                .filter(|group| !group.is_empty())
                .collect::<Vec<_>>()
        });
        let expires = arguments.raw("expires").and_then(Value::as_f64);
        let expires = expires.map(|seconds| ((seconds / 86_400.0).floor() as i64).max(-1));
        let name = account_name(arguments)?;
        local::refuse_what_it_cannot(arguments)?;
        Ok(User {
            key: Key::read(arguments, &name),
            name,
            present: arguments.text("state") == "present",
            options: UserOptions {
                uid: number(arguments, "uid")?,
                group: arguments.string("group"),
                groups,
                append: arguments.bool("append"),
                comment: arguments.string("comment"),
                home: arguments.string("home"),
                move_home: arguments.bool("move_home"),
                create_home: arguments.bool("create_home"),
                shell: arguments.string("shell"),
                system: arguments.bool("system"),
                non_unique: arguments.bool("non_unique"),
                skeleton: arguments.string("skeleton"),
                expires: expires.map(day),
                seuser: arguments.string("seuser"),
                more: more(arguments),
            },
            ages: Ages::read(arguments),
            expires,
            password: arguments.string("password"),
            always_update_password: arguments.text("update_password") == "always",
            password_lock: arguments.maybe("password_lock"),
            remove: arguments.bool("remove"),
            force: arguments.bool("force"),
            local: arguments.bool("local"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let user = host
            .users()?
            .into_iter()
            .find(|user| user.name == self.name);
        let all = host.groups()?;
        if self.present {
            self.check_groups(&all)?;
        }
        let gid = user.as_ref().map(|user| user.gid);
        let primary = all.iter().find(|group| Some(group.gid) == gid);
        let mut groups: Vec<String> = all
            .iter()
            .filter(|group| group.members.contains(&self.name) && Some(group.gid) != gid)
            .map(|group| group.name.clone())
            .collect();
        groups.sort();
        let hash = match user {
            Some(_) => host.password_hash(&self.name)?,
            None => None,
        };
        let primary = primary.map_or(String::new(), |group| group.name.clone());
        let key = match &self.key {
            Some(key) if self.present => {
                let home = user.as_ref().map(|user| user.home.clone());
                key.observe(host, home.or_else(|| self.options.home.clone()))?
            }
            _ => key::Found::default(),
        };
        let home = match &user {
            Some(user) if self.present => {
                let asked = self.options.group.as_ref();
                let asked = asked.and_then(|asked| group_of(&all, asked));
                let gid = asked.map_or(user.gid, |group| group.gid);
                home::changes(host, &self.options, user, gid)?
            }
            _ => Vec::new(),
        };
        Ok(Found {
            shadow: shadow(host, &self.name),
            key,
            home,
            user,
            groups,
            primary,
            hash,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let name = self.name.clone();
        let mut changes = Vec::new();
        match (&found.user, self.present) {
            (None, true) => {
                let mut options = self.options.clone();
                options.append = false;
                changes.push(AccountChange::CreateUser { name, options });
            }
            (Some(user), true) => changes.extend(self.modify(user, found)),
            (Some(_), false) => changes.push(AccountChange::RemoveUser {
                name,
                remove_home: self.remove,
                force: self.force,
            }),
            (None, false) => {}
        }
        if self.present {
            changes.extend(self.set_password(found));
        }
        let mut changes: Vec<Change> = match self.local {
            true => changes
                .into_iter()
                .flat_map(|change| local::changes(change, &found.groups, self.expires))
                .collect(),
            false => changes.into_iter().map(Change::Account).collect(),
        };
        if self.present {
            changes.extend(found.home.iter().cloned());
            changes.extend(self.ages.change(&self.name, &found.shadow));
            changes.extend(self.key.iter().flat_map(|key| key.changes(&found.key)));
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let state = if self.present { "present" } else { "absent" };
        let mut values = values(json!({ "name": self.name, "state": state }));
        let mut put = |name: &str, value: Value| values.insert(name.to_owned(), value);
        if !self.present && found.user.is_some() {
            put("force", self.force.into());
            put("remove", self.remove.into());
        }
        if !self.present {
            return Ok(Report::of(values));
        }
        if let Some(user) = host
            .users()?
            .into_iter()
            .find(|user| user.name == self.name)
        {
            put("uid", user.uid.into());
            put("group", user.gid.into());
            put("comment", user.comment.into());
            put("home", user.home.into());
            put("shell", user.shell.into());
        }
        match found.user {
            Some(_) => {
                put("append", self.options.append.into());
                put("move_home", self.options.move_home.into());
            }
            None => {
                put("create_home", self.options.create_home.into());
                put("system", self.options.system.into());
            }
        }
        if let Some(groups) = &self.options.groups {
            put("groups", groups.join(",").into());
        }
        if let Some(key) = &self.key {
            values.extend(key.report(host, &found.key, outcome.check)?);
        }
        let mut report = Report::of(values);
        if let Some(password) = &self.password {
            report
                .values
                .insert("password".to_owned(), "NOT_LOGGING_PASSWORD".into());
            if !is_hash(password) {
                report.notices.push(Notice::Warning(
                    "The input password appears not to have been hashed. The 'password' argument \
                     must be encrypted for this module to work properly."
                        .to_owned(),
                ));
            }
        }
        Ok(report)
    }
}

impl User {
    fn check_groups(&self, all: &[system::Group]) -> Result<(), ModuleError> {
        let known = |wanted: &String| group_of(all, wanted).is_some();
        let wanted = self
            .options
            .groups
            .iter()
            .flatten()
            .chain(&self.options.group);
        match wanted.into_iter().find(|group| !known(group)) {
            Some(group) => Err(ModuleError::new(format!("Group {group} does not exist"))),
            None => Ok(()),
        }
    }

    /// What differs from what is asked for.
    fn modify(&self, user: &system::User, found: &Found) -> Option<AccountChange> {
        let asked = &self.options;
        let differs = |wanted: &Option<String>, current: &str| {
            wanted.clone().filter(|wanted| wanted != current)
        };
        let group = asked
            .group
            .clone()
            .filter(|group| *group != found.primary && *group != user.gid.to_string());
        let home = differs(&asked.home, &user.home);
        let options = UserOptions {
            uid: asked.uid.filter(|uid| *uid != user.uid),
            groups: asked
                .groups
                .clone()
                .filter(|groups| self.groups_differ(groups, found)),
            append: asked.append,
            comment: differs(&asked.comment, &user.comment),
            move_home: asked.move_home && home.is_some(),
            home,
            shell: differs(&asked.shell, &user.shell),
            non_unique: asked.non_unique && asked.uid.is_some_and(|uid| uid != user.uid),
            expires: asked
                .expires
                .clone()
                .filter(|_| self.expires != kept_expiry(&found.shadow)),
            group,
            ..UserOptions::default()
        };
        let nothing = UserOptions {
            append: asked.append,
            ..UserOptions::default()
        };
        (options != nothing).then(|| AccountChange::ModifyUser {
            name: self.name.clone(),
            options,
        })
    }

    fn groups_differ(&self, wanted: &[String], found: &Found) -> bool {
        let missing = wanted
            .iter()
            .any(|group| !found.groups.contains(group) && *group != found.primary);
        let surplus = found.groups.iter().any(|group| !wanted.contains(group));
        missing || (surplus && !self.options.append)
    }

    fn set_password(&self, found: &Found) -> Option<AccountChange> {
        let current = found.hash.as_deref().unwrap_or("!");
        let asked = self
            .password
            .as_deref()
            .filter(|_| found.user.is_none() || self.always_update_password);
        let bare = current.trim_start_matches('!');
        let mut hash = match asked {
            // A locked password is compared without its lock.
            Some(asked) if asked.trim_start_matches('!') != bare || asked == "!" => {
                asked.to_owned()
            }
            _ => current.to_owned(),
        };
        match self.password_lock {
            Some(true) if !hash.starts_with('!') => hash.insert(0, '!'),
            Some(false) => hash = hash.trim_start_matches('!').to_owned(),
            _ => {}
        }
        (hash != current && !hash.is_empty()).then(|| AccountChange::SetPassword {
            name: self.name.clone(),
            hash,
        })
    }
}

/// The group of a name or a number.
fn group_of<'a>(all: &'a [system::Group], asked: &str) -> Option<&'a system::Group> {
    all.iter()
        .find(|group| group.name == asked || group.gid.to_string() == asked)
}

/// A day since 1970 as the tools take it; none for never.
fn day(days: i64) -> String {
    if days < 0 {
        return String::new();
    }
    crate::time::utc_day(days)
}

/// The day on which the account expires; below zero for never, as when nothing is kept.
fn kept_expiry(shadow: &[String]) -> Option<i64> {
    let kept = shadow.get(7).and_then(|text| text.parse().ok());
    Some(kept.unwrap_or(-1))
}

fn more(arguments: &Arguments) -> Vec<String> {
    let mut more = ranges(arguments, &["uid_min", "uid_max"]);
    if let Some(umask) = arguments.string("umask") {
        more.extend(["-K".to_owned(), format!("UMASK={umask}")]);
    }
    more
}

/// The fields of a user's line in `/etc/shadow`, where it may be read.
fn shadow(host: &dyn Host, name: &str) -> Vec<String> {
    let text = host.read_text("/etc/shadow".as_ref()).unwrap_or_default();
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = lines.find(|fields| fields.first() == Some(&name));
    line.into_iter().flatten().map(str::to_owned).collect()
}

fn is_hash(password: &str) -> bool {
    password.starts_with('$')
        || matches!(password, "*" | "!" | "x" | "*************" | "")
        || password.starts_with('!')
}
