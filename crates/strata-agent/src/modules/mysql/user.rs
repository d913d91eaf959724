//! `mysql_user`: a user with a password and rights.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sha1::Digest;

use super::grants::{self, Grants};
use super::{Client, LOGIN, Server, literal};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::digest::hex;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;

pub(in crate::modules) struct MysqlUser {
    server: Server,
    name: String,
    host: String,
    all_hosts: bool,
    present: bool,
    password: Option<String>,
    encrypted: bool,
    plugin: Option<String>,
    hash: Option<String>,
    auth: Option<String>,
    update_password: String,
    wanted: Option<Grants>,
    appends: bool,
    subtracts: bool,
    keeps_case: bool,
    requires: Option<Vec<String>>,
    limits: Map<String, Value>,
    locked: Option<bool>,
    expires: Option<Expiry>,
}

/// When a password is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expiry {
    Now,
    Never,
    /// As the server has it for all.
    Default,
    Days(i64),
}

/// What is to be done, in SQL.
pub(in crate::modules) struct Found {
    statements: Vec<String>,
    msg: String,
    password_changes: bool,
    is_new: bool,
    client: Client,
}

/// One account of the user.
struct Account {
    host: String,
    hash: String,
    plugin: String,
}

impl Module for MysqlUser {
    const SPEC: Spec = Spec::new(
        "community.mysql.mysql_user",
        &[
            Field::str("name").alias(&["user"]).required(),
            Field::str("host").default("localhost"),
            Field::bool("host_all", false),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("password"),
            Field::bool("encrypted", false),
            Field::str("plugin"),
            Field::str("plugin_hash_string"),
            Field::str("plugin_auth_string"),
            Field::str("update_password")
                .choices(&["always", "on_create", "on_new_username"])
                .default("always"),
            Field::new("priv", FieldKind::Raw),
            Field::bool("append_privs", false),
            Field::bool("subtract_privs", false),
            Field::maybe("column_case_sensitive"),
            Field::new("tls_requires", FieldKind::Dict),
            Field::new("resource_limits", FieldKind::Dict),
            Field::maybe("locked"),
            Field::bool("force_context", false),
            Field::unsupported("attributes"),
            Field::unsupported("salt"),
            Field::new("session_vars", FieldKind::Dict),
            Field::str("password_expire").choices(&["now", "never", "default", "interval"]),
            Field::int("password_expire_interval"),
        ],
    )
    .with(LOGIN)
    .exclusive(&[&["append_privs", "subtract_privs"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<MysqlUser, ModuleError> {
        let (appends, subtracts) = (
            arguments.bool("append_privs"),
            arguments.bool("subtract_privs"),
        );
        let keeps_case = arguments.bool("column_case_sensitive");
        let wanted = arguments
            .raw("priv")
            .map(|given| grants::read(given, keeps_case));
        let mut wanted = wanted.transpose()?;
        if let Some(wanted) = wanted.as_mut().filter(|_| !subtracts) {
            // Everybody has this one.
            let usage = BTreeSet::from(["USAGE".to_owned()]);
            wanted.entry("*.*".to_owned()).or_insert(usage);
        }
        let limits = arguments.raw("resource_limits").and_then(Value::as_object);
        Ok(MysqlUser {
            server: Server::read(arguments),
            name: arguments.text("name"),
            host: arguments.text("host").to_lowercase(),
            all_hosts: arguments.bool("host_all"),
            present: arguments.text("state") == "present",
            password: arguments.string("password"),
            encrypted: arguments.bool("encrypted"),
            plugin: arguments.string("plugin"),
            hash: arguments.string("plugin_hash_string"),
            auth: arguments.string("plugin_auth_string"),
            update_password: arguments.text("update_password"),
            wanted,
            appends,
            subtracts,
            keeps_case,
            requires: requires(arguments.raw("tls_requires")),
            limits: limits.cloned().unwrap_or_default(),
            locked: arguments.maybe("locked"),
            expires: expiry(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let client = self.server.connect(host)?;
        let accounts = self.accounts(host, &client)?;
        let mut found = Found {
            statements: Vec::new(),
            msg: String::new(),
            password_changes: false,
            is_new: self.present && accounts.is_empty(),
            client,
        };
        if !self.present {
            let drops = accounts
                .iter()
                .map(|account| format!("DROP USER {}", self.who(&account.host)));
            found.statements.extend(drops);
            let gone = !accounts.is_empty();
            found.msg = if gone {
                "User deleted"
            } else {
                "User doesn't exist"
            }
            .to_owned();
            return Ok(found);
        }
        if accounts.is_empty() {
            self.create(host, &mut found)?;
        }
        for account in &accounts {
            self.alter(host, account, &mut found)?;
        }
        if !accounts.is_empty() {
            found.msg = match (found.password_changes, found.statements.is_empty()) {
                (true, _) => "Password updated",
                (false, true) => "User unchanged",
                (false, false) => "Privileges updated",
            }
            .to_owned();
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = found
            .statements
            .iter()
            .map(|sql| found.client.statement(sql));
        run.map(programs::change).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report {
            msg: found.msg.clone(),
            values: values(json!({
                "user": self.name,
                // In a check nobody has tried yet.
                "password_changed": (!(found.is_new && outcome.check)).then_some(found.password_changes),
                "attributes": if found.is_new || !self.present { Value::Null } else { json!({}) },
            })),
            ..Report::default()
        })
    }
}

impl MysqlUser {
    fn who(&self, host: &str) -> String {
        format!("{}@{}", literal(&self.name), literal(host))
    }

    fn accounts(&self, host: &dyn Host, client: &Client) -> Result<Vec<Account>, ModuleError> {
        let mut sql = format!(
            "SELECT Host, authentication_string, plugin FROM mysql.user WHERE User = {}",
            literal(&self.name)
        );
        if !self.all_hosts {
            sql.push_str(&format!(" AND Host = {}", literal(&self.host)));
        }
        let rows = client.rows(host, &sql)?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let field = |at: usize| row.get(at).cloned().unwrap_or_default();
                Account {
                    host: field(0),
                    hash: field(1),
                    plugin: field(2),
                }
            })
            .collect())
    }

    /// The words by which a user says who it is; `None` where nothing was said of it.
    fn identified(&self, is_mariadb: bool) -> Option<String> {
        if let Some(plugin) = &self.plugin {
            let by = match (&self.hash, &self.auth) {
                (Some(hash), _) => format!(" AS {}", literal(hash)),
                (None, Some(auth)) if is_mariadb => format!(" USING PASSWORD({})", literal(auth)),
                (None, Some(auth)) => format!(" BY {}", literal(auth)),
                (None, None) => String::new(),
            };
            return Some(format!(" IDENTIFIED WITH {plugin}{by}"));
        }
        let password = self.password.as_deref()?;
        Some(match (self.encrypted, is_mariadb) {
            (false, _) => format!(" IDENTIFIED BY {}", literal(password)),
            (true, true) => format!(" IDENTIFIED BY PASSWORD {}", literal(password)),
            (true, false) => format!(
                " IDENTIFIED WITH mysql_native_password AS {}",
                literal(password)
            ),
        })
    }

    fn create(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        if self.all_hosts {
            return Err(ModuleError::new(
                "host_all parameter cannot be used when adding a user",
            ));
        }
        let who = self.who(&self.host);
        let mut identified = self.identified(found.client.is_mariadb).unwrap_or_default();
        if self.update_password == "on_new_username" {
            let other = MysqlUser::known_hash(self, host, &found.client)?;
            if let Some(hash) = other {
                identified = match found.client.is_mariadb {
                    true => format!(" IDENTIFIED BY PASSWORD {}", literal(&hash)),
                    false => format!(
                        " IDENTIFIED WITH mysql_native_password AS {}",
                        literal(&hash)
                    ),
                };
            }
        }
        let require = self.requires.as_deref().map(require).unwrap_or_default();
        found
            .statements
            .push(format!("CREATE USER {who}{identified}{require}"));
        found.password_changes = true;
        found.msg = "User added".to_owned();
        found
            .statements
            .extend(self.expires.map(|expires| expires.statement(&who)));
        for (on, rights) in self.wanted.iter().flatten().filter(|_| !self.subtracts) {
            if !(on == "*.*" && rights.len() == 1 && rights.contains("USAGE")) {
                found.statements.push(grants::grant(on, rights, &who, ""));
            }
        }
        found.statements.extend(self.limited(&who, None));
        if self.locked == Some(true) {
            found
                .statements
                .push(format!("ALTER USER {who} ACCOUNT LOCK"));
        }
        Ok(())
    }

    /// The password's hash under another host of the same user.
    fn known_hash(&self, host: &dyn Host, client: &Client) -> Result<Option<String>, ModuleError> {
        let sql = format!(
            "SELECT DISTINCT authentication_string FROM mysql.user WHERE User = {}",
            literal(&self.name)
        );
        let rows = client.rows(host, &sql)?;
        let one = (rows.len() == 1).then(|| rows.into_iter().flatten().next());
        Ok(one.flatten().filter(|hash| !hash.is_empty()))
    }

    fn alter(
        &self,
        host: &dyn Host,
        account: &Account,
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        let who = self.who(&account.host);
        if self.update_password == "always" && self.password_differs(account) {
            let identified = self.identified(found.client.is_mariadb).unwrap_or_default();
            found
                .statements
                .push(format!("ALTER USER {who}{identified}"));
            found.password_changes = true;
        }
        if let Some(expires) = self.expires
            && !self.expires_so(host, account, expires, &found.client)?
        {
            found.statements.push(expires.statement(&who));
            found.password_changes = true;
        }
        if let Some(wanted) = &self.wanted {
            let rows = found.client.rows(host, &format!("SHOW GRANTS FOR {who}"))?;
            let there = grants::shown(&rows, self.keeps_case);
            found.statements.extend(self.regrant(&there, wanted, &who));
        }
        let sql = format!("SHOW CREATE USER {who}");
        if self.requires.is_some() || !self.limits.is_empty() || self.locked.is_some() {
            let rows = found.client.rows(host, &sql)?;
            let shown = rows.into_iter().flatten().next().unwrap_or_default();
            found.statements.extend(self.limited(&who, Some(&shown)));
            if let Some(wanted) = &self.requires {
                let wanted = require(wanted);
                let is_same = shown.contains(wanted.trim())
                    || wanted.trim() == "REQUIRE NONE" && !shown.contains("REQUIRE");
                if !is_same {
                    found.statements.push(format!("ALTER USER {who}{wanted}"));
                }
            }
            let is_locked = shown.contains("ACCOUNT LOCK");
            if let Some(locks) = self.locked.filter(|locks| *locks != is_locked) {
                let word = if locks { "LOCK" } else { "UNLOCK" };
                found
                    .statements
                    .push(format!("ALTER USER {who} ACCOUNT {word}"));
            }
        }
        Ok(())
    }

    /// Whether the password of an account expires as it shall.
    fn expires_so(
        &self,
        host: &dyn Host,
        account: &Account,
        expires: Expiry,
        client: &Client,
    ) -> Result<bool, ModuleError> {
        let whose = format!(
            "WHERE User = {} AND Host = {}",
            literal(&self.name),
            literal(&account.host)
        );
        let lifetime = match client.is_mariadb {
            true => format!(
                "SELECT JSON_EXTRACT(Priv, '$.password_lifetime') FROM mysql.global_priv {whose}"
            ),
            false => format!("SELECT IFNULL(password_lifetime, -1) FROM mysql.user {whose}"),
        };
        let first = |sql: &str| -> Result<String, ModuleError> {
            let rows = client.rows(host, sql)?;
            Ok(rows.into_iter().flatten().next().unwrap_or_default())
        };
        let days = || -> Result<i64, ModuleError> { Ok(first(&lifetime)?.parse().unwrap_or(-1)) };
        Ok(match expires {
            Expiry::Now => {
                first(&format!("SELECT password_expired FROM mysql.user {whose}"))? == "Y"
            }
            Expiry::Never => days()? == 0,
            Expiry::Default => days()? == -1,
            Expiry::Days(wanted) => days()? == wanted,
        })
    }

    fn password_differs(&self, account: &Account) -> bool {
        if let Some(plugin) = &self.plugin {
            let same_hash = match (&self.hash, &self.auth) {
                (Some(hash), _) => *hash == account.hash,
                (None, Some(auth)) => native(auth) == account.hash,
                (None, None) => true,
            };
            return *plugin != account.plugin || !same_hash;
        }
        match &self.password {
            None => false,
            Some(password) if self.encrypted => *password != account.hash,
            Some(password) if password.is_empty() => !account.hash.is_empty(),
            Some(password) => native(password) != account.hash,
        }
    }

    fn regrant(&self, there: &Grants, wanted: &Grants, who: &str) -> Vec<String> {
        let mut statements = Vec::new();
        let none = BTreeSet::new();
        if self.subtracts {
            for (on, rights) in wanted {
                let has = there.get(on).unwrap_or(&none);
                let taken: BTreeSet<String> = rights.intersection(has).cloned().collect();
                statements.extend(grants::revoke(on, &taken, who));
            }
            return statements;
        }
        for (on, rights) in there.iter().filter(|_| !self.appends) {
            if !wanted.contains_key(on) {
                statements.extend(grants::revoke(on, rights, who));
            }
        }
        for (on, rights) in wanted {
            let has = there.get(on).unwrap_or(&none);
            let real = |rights: &BTreeSet<String>| -> BTreeSet<String> {
                rights
                    .iter()
                    .filter(|right| *right != "USAGE")
                    .cloned()
                    .collect()
            };
            let (has, rights) = (real(has), real(rights));
            let surplus: BTreeSet<String> = has.difference(&rights).cloned().collect();
            if !self.appends {
                statements.extend(grants::revoke(on, &surplus, who));
            }
            let missing: BTreeSet<String> = rights.difference(&has).cloned().collect();
            if !missing.is_empty() && !has.contains("ALL") {
                statements.push(grants::grant(on, &missing, who, ""));
            }
        }
        statements
    }

    /// The limits that differ from those that are shown.
    fn limited(&self, who: &str, shown: Option<&str>) -> Option<String> {
        let mut words = Vec::new();
        for (name, value) in &self.limits {
            let word = format!(
                "{} {}",
                name.to_uppercase(),
                text(value).unwrap_or_default()
            );
            let is_none = word.ends_with(" 0");
            let is_there = shown.is_some_and(|shown| {
                shown.contains(&word) || is_none && !shown.contains(&name.to_uppercase())
            });
            if !is_there {
                words.push(word);
            }
        }
        (!words.is_empty()).then(|| format!("ALTER USER {who} WITH {}", words.join(" ")))
    }
}

fn expiry(arguments: &Arguments) -> Result<Option<Expiry>, ModuleError> {
    let days = arguments.int("password_expire_interval");
    if days.is_some_and(|days| days < 1) {
        return Err(ModuleError::new(
            "password_expire_interval value should be positive number",
        ));
    }
    Ok(match (arguments.text("password_expire").as_str(), days) {
        ("now", _) => Some(Expiry::Now),
        ("never", _) => Some(Expiry::Never),
        ("default", _) => Some(Expiry::Default),
        ("interval", Some(days)) => Some(Expiry::Days(days)),
        ("interval", None) => {
            return Err(ModuleError::new(
                "password_expire is interval but all of the following are missing: \
                 password_expire_interval",
            ));
        }
        _ => None,
    })
}

impl Expiry {
    fn statement(self, who: &str) -> String {
        let when = match self {
            Expiry::Now => String::new(),
            Expiry::Never => " NEVER".to_owned(),
            Expiry::Default => " DEFAULT".to_owned(),
            Expiry::Days(days) => format!(" INTERVAL {days} DAY"),
        };
        format!("ALTER USER {who} PASSWORD EXPIRE{when}")
    }
}

/// What a connection must have, each as its word.
fn requires(given: Option<&Value>) -> Option<Vec<String>> {
    let given = given?.as_object()?;
    let words = given.iter().filter_map(|(name, value)| {
        let name = name.to_uppercase();
        match name.as_str() {
            "SSL" | "X509" | "NONE" => crate::arguments::boolean(value)
                .unwrap_or(false)
                .then_some(name),
            _ => Some(format!("{name} {}", literal(&text(value)?))),
        }
    });
    Some(words.collect())
}

fn require(words: &[String]) -> String {
    match words {
        [] => " REQUIRE NONE".to_owned(),
        words => format!(" REQUIRE {}", words.join(" AND ")),
    }
}

/// A password as the server keeps it: the digest of its digest.
fn native(password: &str) -> String {
    if password.is_empty() {
        return String::new();
    }
    let digest = sha1::Sha1::digest(sha1::Sha1::digest(password.as_bytes()));
    format!("*{}", hex(&digest).to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_as_a_digest() {
        assert_eq!(
            native("secret"),
            "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7"
        );
        assert_eq!(native(""), "");
    }
}
