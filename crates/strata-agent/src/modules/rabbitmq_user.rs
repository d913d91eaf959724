//! `rabbitmq_user`: a user of RabbitMQ is there with its tags and permissions, or is not.
//!
//! As `community.rabbitmq.rabbitmq_user` 1.6 by `rabbitmqctl`, of RabbitMQ 3.7.17 and later; passwords go to it on standard
//! input. The original leaves the task out in check mode; ours looks, and says what it would do.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::diff;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct RabbitmqUser {
    user: String,
    password: String,
    tags: Vec<String>,
    permissions: Permissions,
    topics: Topics,
    /// The permissions are all that there shall be.
    is_whole: bool,
    node: String,
    force: bool,
    renews: bool,
    present: bool,
    diff: bool,
}

/// What is allowed on a virtual host: configure, write, read.
type Permissions = BTreeMap<String, [String; 3]>;
/// What is allowed on an exchange of a virtual host: write, read.
type Topics = BTreeMap<(String, String), [String; 2]>;

/// A user as it is.
struct There {
    tags: Vec<String>,
    permissions: Permissions,
    topics: Topics,
    knows_password: bool,
}

pub(super) struct Current(Option<There>);

const FAILED: &str = "rabbitmqctl exited with non-zero code: ";

impl Module for RabbitmqUser {
    const SPEC: Spec = Spec::new(
        "community.rabbitmq.rabbitmq_user",
        &[
            Field::str("user").alias(&["username", "name"]).required(),
            Field::str("password"),
            Field::str("tags"),
            Field::new("permissions", FieldKind::Raw),
            Field::str("vhost").default("/"),
            Field::str("configure_priv").default("^$"),
            Field::str("write_priv").default("^$"),
            Field::str("read_priv").default("^$"),
            Field::new("topic_permissions", FieldKind::Raw),
            Field::bool("force", false),
            Field::str("state")
                .choices(&["present", "absent"])
                .default("present"),
            Field::str("node").default("rabbit"),
            Field::str("update_password")
                .choices(&["on_create", "always"])
                .default("on_create"),
            Field::fixed("login_protocol", "http"),
            Field::unsupported("login_host"),
            Field::fixed("login_port", "15672"),
            Field::unsupported("login_user"),
            Field::unsupported("login_password"),
        ],
    );
    type Current = Current;

    fn new(arguments: &Arguments, task: &Task) -> Result<RabbitmqUser, ModuleError> {
        let given = maps(arguments, "permissions")?;
        let tags = arguments.text("tags").replace(' ', "");
        let one = || {
            let part = |name: &str| arguments.text(name);
            let parts = ["configure_priv", "write_priv", "read_priv"].map(part);
            Permissions::from([(arguments.text("vhost"), parts)])
        };
        Ok(RabbitmqUser {
            is_whole: !given.is_empty(),
            permissions: match given.is_empty() {
                true => one(),
                false => permissions(&given)?,
            },
            topics: topics(&maps(arguments, "topic_permissions")?)?,
            user: arguments.text("user"),
            password: arguments.text("password"),
            tags: match tags.as_str() {
                "" => Vec::new(),
                tags => tags.split(',').map(str::to_owned).collect(),
            },
            node: arguments.text("node"),
            force: arguments.bool("force"),
            renews: arguments.text("update_password") == "always",
            present: arguments.text("state") == "present",
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Current, ModuleError> {
        programs::required(host, "rabbitmqctl")?;
        self.check_version(host)?;
        let users = self.list(host, &["list_users"])?;
        let user = users.iter().find(|user| user["user"] == self.user.as_str());
        let Some(user) = user else {
            return Ok(Current(None));
        };
        let mut permissions = Permissions::new();
        for one in self.list(host, &["list_user_permissions", &self.user])? {
            let parts = ["configure", "write", "read"].map(|name| part(&one, name));
            permissions.insert(part(&one, "vhost"), parts);
        }
        if !self.is_whole {
            permissions.retain(|vhost, _| self.permissions.contains_key(vhost));
        }
        let mut topics = Topics::new();
        for one in self.list(host, &["list_user_topic_permissions", &self.user])? {
            let key = (part(&one, "vhost"), part(&one, "exchange"));
            topics.insert(key, ["write", "read"].map(|name| part(&one, name)));
        }
        let tags = user["tags"].as_array().into_iter().flatten();
        Ok(Current(Some(There {
            tags: tags.filter_map(text).collect(),
            permissions,
            topics,
            knows_password: !self.renews || self.force || !self.present || self.knows(host)?,
        })))
    }

    fn decide(&self, current: &Current) -> Vec<Change> {
        let command = |words: &[&str]| self.command(words, None);
        let delete = command(&["delete_user", &self.user]);
        let commands = match (&current.0, self.present) {
            (None, false) => Vec::new(),
            (Some(_), false) => vec![delete],
            (Some(there), true) if !self.force => {
                let mut commands = self.renewed(there);
                commands.extend(self.settle(there, there.tags.clone()));
                commands
            }
            (there, true) => {
                let mut commands = Vec::from_iter(there.as_ref().map(|_| delete));
                commands.extend(self.added());
                let nothing = There {
                    tags: Vec::new(),
                    permissions: Permissions::new(),
                    topics: Topics::new(),
                    knows_password: true,
                };
                commands.extend(self.settle(&nothing, Vec::new()));
                commands
            }
        };
        let attempt = |command| programs::attempt(command, format!("{FAILED}{{stderr}}"));
        commands.into_iter().map(attempt).collect()
    }

    fn report(
        &self,
        _host: &dyn Host,
        current: &Current,
        _outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let state = if self.present { "present" } else { "absent" };
        let shown = |there: Option<(&[String], &Permissions, &Topics)>| match there {
            None => json!({}),
            Some((tags, permissions, topics)) => {
                let topics = topics.iter();
                let topics: Map<String, Value> = topics
                    .map(|((vhost, exchange), parts)| (format!("{vhost} {exchange}"), json!(parts)))
                    .collect();
                json!({"permissions": permissions, "tags": tags, "topic_permissions": topics})
            }
        };
        let before = current.0.as_ref();
        let before =
            shown(before.map(|there| (&there.tags[..], &there.permissions, &there.topics)));
        let after = (&self.tags[..], &self.permissions, &self.topics);
        let after = shown(self.present.then_some(after));
        let differs = self.diff && before != after;
        Ok(Report {
            diff: Vec::from_iter(differs.then(|| diff::of_values(&self.user, &before, &after))),
            ..Report::of(values(json!({"user": self.user, "state": state})))
        })
    }
}

impl RabbitmqUser {
    fn command(&self, words: &[&str], password: Option<&str>) -> Command {
        let start = ["rabbitmqctl", "-q", "-n", &self.node].into_iter();
        Command {
            stdin: password.map(|password| format!("{password}\n")),
            ..plain(start.chain(words.iter().copied()))
        }
    }

    fn said(&self, host: &dyn Host, words: &[&str]) -> Result<Output, ModuleError> {
        let said = host.run(&self.command(words, None))?;
        if said.status == 0 {
            return Ok(said);
        }
        let why = format!("{FAILED}{}", said.stderr);
        Err(ModuleError::new(why).with(json!({"rc": said.status, "stdout": said.stdout})))
    }

    fn list(&self, host: &dyn Host, words: &[&str]) -> Result<Vec<Value>, ModuleError> {
        let words: Vec<&str> = words
            .iter()
            .copied()
            .chain(["--formatter", "json"])
            .collect();
        let said = self.said(host, &words)?;
        serde_json::from_str(&said.stdout).map_err(|error| {
            let verb = words.first().copied().unwrap_or_default();
            ModuleError::new(format!(
                "`rabbitmqctl {verb}` says what is no list: {error}"
            ))
        })
    }

    fn check_version(&self, host: &dyn Host) -> Result<(), ModuleError> {
        let words = ["status", "--formatter", "json"];
        let said = host.run(&self.command(&words, None))?;
        let status: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        if said.status == 0 && status.is_object() {
            return Ok(());
        }
        Err(ModuleError::new(
            "Could not determine the version of the RabbitMQ server.",
        ))
    }

    /// Whether the user gets in with the password.
    fn knows(&self, host: &dyn Host) -> Result<bool, ModuleError> {
        Ok(host.run(&self.with_password("authenticate_user"))?.status == 0)
    }

    /// A command that takes the password; an empty one is no secret.
    fn with_password(&self, verb: &str) -> Command {
        match self.password.as_str() {
            "" => self.command(&[verb, &self.user, ""], None),
            password => self.command(&[verb, &self.user], Some(password)),
        }
    }

    fn added(&self) -> Vec<Command> {
        let mut commands = vec![self.with_password("add_user")];
        if self.password.is_empty() {
            commands.push(self.command(&["clear_password", &self.user], None));
        }
        commands
    }

    fn renewed(&self, there: &There) -> Vec<Command> {
        let command = match (there.knows_password, self.password.as_str()) {
            (true, _) => None,
            (false, "") => Some(self.command(&["clear_password", &self.user], None)),
            (false, _) => Some(self.with_password("change_password")),
        };
        command.into_iter().collect()
    }

    /// Brings tags and permissions up to what is asked.
    fn settle(&self, there: &There, tags: Vec<String>) -> Vec<Command> {
        let user = self.user.as_str();
        let mut commands = Vec::new();
        let sorted = |mut tags: Vec<String>| {
            tags.sort();
            tags.dedup();
            tags
        };
        if sorted(tags) != sorted(self.tags.clone()) {
            let words = ["set_user_tags", user].into_iter();
            let words: Vec<&str> = words.chain(self.tags.iter().map(String::as_str)).collect();
            commands.push(self.command(&words, None));
        }
        let gone = there.permissions.keys();
        for vhost in gone.filter(|vhost| !self.permissions.contains_key(*vhost)) {
            commands.push(self.command(&["clear_permissions", "-p", vhost, user], None));
        }
        for (vhost, parts) in &self.permissions {
            if there.permissions.get(vhost) != Some(parts) {
                let [configure, write, read] = parts;
                let words = ["set_permissions", "-p", vhost, user, configure, write, read];
                commands.push(self.command(&words, None));
            }
        }
        let gone = there.topics.keys();
        for key in gone.filter(|key| !self.topics.contains_key(*key)) {
            let (vhost, exchange) = key;
            let words = ["clear_topic_permissions", "-p", vhost, user, exchange];
            commands.push(self.command(&words, None));
        }
        for (key, parts) in &self.topics {
            if there.topics.get(key) != Some(parts) {
                let ((vhost, exchange), [write, read]) = (key, parts);
                let words = [
                    "set_topic_permissions",
                    "-p",
                    vhost,
                    user,
                    exchange,
                    write,
                    read,
                ];
                commands.push(self.command(&words, None));
            }
        }
        commands
    }
}

fn part(map: &Value, name: &str) -> String {
    map.get(name).and_then(text).unwrap_or_default()
}

/// A list of mappings; none where nothing is given.
fn maps(arguments: &Arguments, name: &str) -> Result<Vec<Value>, ModuleError> {
    match arguments.raw(name) {
        None => Ok(Vec::new()),
        Some(Value::Array(all)) if all.iter().all(Value::is_object) => Ok(all.clone()),
        Some(_) => Err(ModuleError::new(format!(
            "`{name}` must be a list of mappings"
        ))),
    }
}

/// A value under its own name or with `_priv` behind it.
fn allowed(map: &Value, name: &str) -> Result<String, ModuleError> {
    let long = format!("{name}_priv");
    let value = map.get(&long).or_else(|| map.get(name)).and_then(text);
    value.ok_or_else(|| ModuleError::new(format!("missing required arguments: {long}")))
}

fn permissions(given: &[Value]) -> Result<Permissions, ModuleError> {
    let mut all = Permissions::new();
    for one in given {
        let vhost = part(one, "vhost");
        if vhost.is_empty() {
            return Err(ModuleError::new(
                "Error parsing vhost permissions: You can't have an empty vhost when setting permissions",
            ));
        }
        let parts = [
            allowed(one, "configure")?,
            allowed(one, "write")?,
            allowed(one, "read")?,
        ];
        if all.insert(vhost, parts).is_some() {
            return Err(ModuleError::new(
                "Error parsing vhost permissions: You can't have two permission dicts for the same vhost",
            ));
        }
    }
    Ok(all)
}

fn topics(given: &[Value]) -> Result<Topics, ModuleError> {
    let mut all = Topics::new();
    for one in given {
        let or = |name: &str, default: &str| {
            let given = one.get(name).and_then(text);
            given.unwrap_or_else(|| default.to_owned())
        };
        let key = (or("vhost", "/"), or("exchange", "amq.topic"));
        let parts = [allowed(one, "write")?, allowed(one, "read")?];
        if all.insert(key, parts).is_some() {
            return Err(ModuleError::new(
                "Error parsing vhost topic_permissions: You can't have two topic permission dicts for the same vhost and the same exchange",
            ));
        }
    }
    Ok(all)
}
