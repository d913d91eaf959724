//! `user`: a user is there with these properties, or is not.

use serde_json::{Value, json};

use super::group::{account_name, number};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Notice, Task};
use crate::system::{self, AccountChange, UserOptions};

pub(super) struct User {
    name: String,
    present: bool,
    options: UserOptions,
    password: Option<String>,
    always_update_password: bool,
    password_lock: Option<bool>,
    remove: bool,
    force: bool,
}

/// The user before.
pub(super) struct Found {
    user: Option<system::User>,
    /// The groups of which the user is a member beside the primary one.
    groups: Vec<String>,
    primary: String,
    hash: Option<String>,
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
            Field::unsupported("expires"),
            Field::unsupported("generate_ssh_key"),
            Field::unsupported("ssh_key_bits"),
            Field::unsupported("ssh_key_type"),
            Field::unsupported("ssh_key_file"),
            Field::unsupported("ssh_key_comment"),
            Field::unsupported("ssh_key_passphrase"),
            Field::unsupported("local"),
            Field::unsupported("login_class"),
            Field::unsupported("password_expire_max"),
            Field::unsupported("password_expire_min"),
            Field::unsupported("password_expire_warn"),
            Field::unsupported("password_expire_account_disable"),
            Field::unsupported("umask"),
            Field::unsupported("uid_min"),
            Field::unsupported("uid_max"),
            Field::unsupported("seuser"),
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
        Ok(User {
            name: account_name(arguments)?,
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
            },
            password: arguments.string("password"),
            always_update_password: arguments.text("update_password") == "always",
            password_lock: arguments.maybe("password_lock"),
            remove: arguments.bool("remove"),
            force: arguments.bool("force"),
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
        Ok(Found {
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
        changes.into_iter().map(Change::Account).collect()
    }

    fn report(&self, host: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
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
        let known = |wanted: &String| {
            all.iter()
                .any(|group| group.name == *wanted || group.gid.to_string() == *wanted)
        };
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

fn is_hash(password: &str) -> bool {
    password.starts_with('$')
        || matches!(password, "*" | "!" | "x" | "*************" | "")
        || password.starts_with('!')
}
