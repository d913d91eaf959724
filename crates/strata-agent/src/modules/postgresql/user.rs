//! `postgresql_user`: a role that may log in.

use serde_json::{Map, Value, json};

use super::{LOGIN, Server, literal, name, scram};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;

pub(in crate::modules) struct PostgresqlUser {
    server: Server,
    database: String,
    user: String,
    present: bool,
    password: Option<String>,
    keeps_password: bool,
    flags: Vec<String>,
    expires: Option<String>,
    limit: Option<i64>,
    comment: Option<String>,
    configuration: Map<String, Value>,
    resets_others: bool,
    quotes_values: bool,
}

/// The role as it is.
pub(in crate::modules) struct Found(Option<Role>);

struct Role {
    /// The flags that it has, each as the word that gives it.
    flags: Vec<String>,
    limit: String,
    password: Option<String>,
    comment: String,
    /// Whether it expires just when it shall.
    expires_so: bool,
    /// Its own settings, each as `NAME=VALUE`.
    settings: Vec<String>,
}

/// Words for what a role may, with the columns that say so.
const FLAGS: &[(&str, &str)] = &[
    ("SUPERUSER", "rolsuper"),
    ("CREATEROLE", "rolcreaterole"),
    ("CREATEDB", "rolcreatedb"),
    ("INHERIT", "rolinherit"),
    ("LOGIN", "rolcanlogin"),
    ("REPLICATION", "rolreplication"),
    ("BYPASSRLS", "rolbypassrls"),
];

impl Module for PostgresqlUser {
    const SPEC: Spec = Spec::new(
        "community.postgresql.postgresql_user",
        &[
            Field::str("name").alias(&["user"]).required(),
            Field::str("password"),
            Field::str("login_db").alias(&["db"]).default("postgres"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("role_attr_flags").default(""),
            Field::bool("encrypted", true),
            Field::bool("no_password_changes", false),
            Field::str("expires"),
            Field::int("conn_limit"),
            Field::str("comment"),
            Field::bool("fail_on_user", true).alias(&["fail_on_role"]),
            Field::new("configuration", FieldKind::Dict),
            Field::bool("reset_unspecified_configuration", false),
            Field::bool("quote_configuration_values", true),
        ],
    )
    .with(LOGIN);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PostgresqlUser, ModuleError> {
        let given = arguments.text("role_attr_flags").to_uppercase();
        let mut flags = Vec::new();
        for flag in given
            .split(',')
            .map(str::trim)
            .filter(|flag| !flag.is_empty())
        {
            let bare = flag.strip_prefix("NO").unwrap_or(flag);
            if !FLAGS.iter().any(|(known, _)| *known == bare) {
                return Err(ModuleError::new(format!(
                    "Invalid role_attr_flags specified: {flag}"
                )));
            }
            flags.push(flag.to_owned());
        }
        let configuration = arguments.raw("configuration").and_then(Value::as_object);
        let configuration = configuration.cloned().unwrap_or_default();
        if configuration.keys().any(|key| key.contains(['\'', '"'])) {
            return Err(ModuleError::new(
                "The key of a configuration may not contain single or double quotes",
            ));
        }
        Ok(PostgresqlUser {
            server: Server::read(arguments)?,
            database: arguments.text("login_db"),
            user: arguments.text("name"),
            present: arguments.text("state") == "present",
            password: arguments.string("password"),
            keeps_password: arguments.bool("no_password_changes"),
            flags,
            expires: arguments.string("expires"),
            limit: arguments.int("conn_limit"),
            comment: arguments.string("comment"),
            configuration,
            resets_others: arguments.bool("reset_unspecified_configuration"),
            quotes_values: arguments.bool("quote_configuration_values"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let columns: Vec<&str> = FLAGS.iter().map(|(_, column)| *column).collect();
        let until = self
            .expires
            .as_deref()
            .map_or("'infinity'".to_owned(), literal);
        let source = |table: &str, password: &str| {
            format!(
                "SELECT {}, rolconnlimit, coalesce(shobj_description(oid, 'pg_authid'), ''), \
                 rolvaliduntil IS NOT DISTINCT FROM {until}::timestamptz, {password} \
                 FROM {table} WHERE rolname = {}",
                columns.join(", "),
                literal(&self.user)
            )
        };
        // Only a superuser may see how passwords are kept.
        let whole = self.server.rows(
            host,
            &self.database,
            &source("pg_authid", "coalesce(rolpassword, '')"),
        );
        let rows = match whole {
            Err(error) if error.msg.contains("permission denied") => {
                self.server
                    .rows(host, &self.database, &source("pg_roles", "'?'"))
            }
            rows => rows,
        }?;
        let settings = self.settings(host)?;
        let role = rows.into_iter().next().map(|row| {
            let field = |at: usize| row.get(at).cloned().unwrap_or_default();
            let flags = FLAGS
                .iter()
                .enumerate()
                .map(|(at, (flag, _))| match field(at).as_str() {
                    "t" => (*flag).to_owned(),
                    _ => format!("NO{flag}"),
                });
            let count = FLAGS.len();
            Role {
                flags: flags.collect(),
                limit: field(count),
                comment: field(count + 1),
                expires_so: field(count + 2) == "t",
                password: Some(field(count + 3)).filter(|kept| kept != "?"),
                settings: settings.clone(),
            }
        });
        Ok(Found(role))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let statements = self.statements(found, false).into_iter();
        let run = statements.map(|sql| self.server.statement(&self.database, &sql));
        run.map(programs::change).collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut report = values(json!({
            "user": self.user, "queries": self.statements(found, true),
        }));
        if !self.present {
            report.insert("user_removed".to_owned(), found.0.is_some().into());
        }
        Ok(Report::of(report))
    }
}

impl PostgresqlUser {
    /// The settings that the role has of its own; not asked for where nothing is said of them.
    fn settings(&self, host: &dyn Host) -> Result<Vec<String>, ModuleError> {
        if self.configuration.is_empty() && !self.resets_others {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT unnest(rolconfig) FROM pg_roles WHERE rolname = {}",
            literal(&self.user)
        );
        let rows = self.server.rows(host, &self.database, &sql)?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// What brings the role's own settings to what they shall be.
    fn configured(&self, user: &str, settings: &[String]) -> Vec<String> {
        let now: Vec<(&str, &str)> = settings
            .iter()
            .filter_map(|setting| setting.split_once('='))
            .collect();
        let others = now
            .iter()
            .filter(|(key, _)| self.resets_others && !self.configuration.contains_key(*key));
        let resets = others.map(|(key, _)| format!("ALTER ROLE {user} RESET \"{key}\";"));
        let wanted = self
            .configuration
            .iter()
            .map(|(key, value)| (key, text(value).unwrap_or_default()));
        let differing =
            wanted.filter(|(key, value)| !now.contains(&(key.as_str(), value.as_str())));
        let sets = differing.map(|(key, value)| {
            let value = match self.quotes_values {
                true => literal(&value),
                false => value,
            };
            format!("ALTER ROLE {user} SET \"{key}\" TO {value};")
        });
        resets.chain(sets).collect()
    }

    /// What is to be run; where it is shown, without the password.
    fn statements(&self, found: &Found, hidden: bool) -> Vec<String> {
        let user = name(&self.user);
        let Some(role) = &found.0 else {
            return match self.present {
                true => self.creation(&user, hidden),
                false => Vec::new(),
            };
        };
        if !self.present {
            return vec![format!("DROP USER {user}")];
        }
        let mut words: Vec<String> = Vec::new();
        if let Some(password) = self
            .password
            .as_ref()
            .filter(|_| self.password_differs(role))
        {
            words.push(secret(password, hidden));
        }
        let missing = self.flags.iter().filter(|flag| !role.flags.contains(flag));
        words.extend(missing.cloned());
        if let Some(until) = self.expires.as_ref().filter(|_| !role.expires_so) {
            words.push(format!("VALID UNTIL {}", literal(until)));
        }
        if let Some(limit) = self.limit.filter(|limit| limit.to_string() != role.limit) {
            words.push(format!("CONNECTION LIMIT {limit}"));
        }
        let mut statements = Vec::new();
        if !words.is_empty() {
            statements.push(format!("ALTER USER {user} WITH {}", words.join(" ")));
        }
        let comment = self.comment.iter().filter(|text| **text != role.comment);
        statements.extend(comment.map(|text| comment_on(&user, text)));
        statements.extend(self.configured(&user, &role.settings));
        statements
    }

    fn creation(&self, user: &str, hidden: bool) -> Vec<String> {
        let mut words = vec![format!("CREATE USER {user}")];
        let password = self.password.as_ref().filter(|text| !text.is_empty());
        words.extend(password.map(|text| format!("WITH {}", secret(text, hidden))));
        words.extend(
            self.expires
                .as_ref()
                .map(|until| format!("VALID UNTIL {}", literal(until))),
        );
        words.extend(self.limit.map(|limit| format!("CONNECTION LIMIT {limit}")));
        words.extend(self.flags.iter().cloned());
        let comment = self.comment.iter().map(|text| comment_on(user, text));
        let configured = self.configured(user, &[]);
        std::iter::once(words.join(" "))
            .chain(comment)
            .chain(configured)
            .collect()
    }

    fn password_differs(&self, role: &Role) -> bool {
        let Some(wanted) = self.password.as_ref().filter(|_| !self.keeps_password) else {
            return false;
        };
        match &role.password {
            // It may not be seen.
            None => true,
            Some(kept) if wanted.is_empty() => !kept.is_empty(),
            Some(kept) if kept == wanted => false,
            Some(kept) => scram::is_kept(kept, wanted) != Some(true),
        }
    }
}

fn secret(password: &str, hidden: bool) -> String {
    match (hidden, password) {
        (true, _) => "PASSWORD '********'".to_owned(),
        (false, "") => "PASSWORD NULL".to_owned(),
        (false, password) => format!("PASSWORD {}", literal(password)),
    }
}

fn comment_on(user: &str, text: &str) -> String {
    format!("COMMENT ON ROLE {user} IS {}", literal(text))
}
