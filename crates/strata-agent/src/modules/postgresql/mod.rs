//! What the `postgresql_…` modules share: asking a server by the host's own `psql`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::arguments::{Arguments, Field, FieldKind, text};
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::programs;
use crate::system::Command;

pub(super) mod db;
mod dump;
pub(super) mod ext;
pub(super) mod ping;
pub(super) mod privs;
pub(super) mod query;
pub(super) mod schema;
mod scram;
pub(super) mod user;

/// How a server is reached.
pub(super) struct Server {
    environment: BTreeMap<String, String>,
    role: Option<String>,
}

/// The arguments of every module of the family.
pub(super) const LOGIN: &[Field] = &[
    Field::str("login_user")
        .alias(&["login"])
        .default("postgres"),
    Field::str("login_password").default(""),
    Field::str("login_host").alias(&["host"]).default(""),
    Field::str("login_unix_socket")
        .alias(&["unix_socket"])
        .default(""),
    Field::int("login_port").alias(&["port"]).default("5432"),
    Field::str("ssl_mode")
        .choices(&[
            "allow",
            "disable",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
        ])
        .default("prefer"),
    Field::path("ca_cert").alias(&["ssl_rootcert"]),
    Field::path("ssl_cert"),
    Field::path("ssl_key"),
    Field::str("session_role"),
    Field::bool("trust_input", true),
    Field::new("connect_params", FieldKind::Dict),
];

impl Server {
    /// Reads where the server is, and as whom it is asked; the password is nobody else's to see.
    pub(super) fn read(arguments: &Arguments) -> Result<Server, ModuleError> {
        let mut environment = BTreeMap::new();
        let mut set = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                environment.insert(name.to_owned(), value);
            }
        };
        let socket = arguments.string("login_unix_socket");
        let host = arguments
            .string("login_host")
            .filter(|host| !host.is_empty());
        set("PGHOST", host.filter(|host| host != "localhost").or(socket));
        set(
            "PGPORT",
            arguments.int("login_port").map(|port| port.to_string()),
        );
        set("PGUSER", arguments.string("login_user"));
        set("PGPASSWORD", arguments.string("login_password"));
        set("PGSSLMODE", arguments.string("ssl_mode"));
        set("PGSSLROOTCERT", arguments.string("ca_cert"));
        set("PGSSLCERT", arguments.string("ssl_cert"));
        set("PGSSLKEY", arguments.string("ssl_key"));
        let more = arguments.raw("connect_params").and_then(Value::as_object);
        for (parameter, value) in more.into_iter().flatten() {
            environment.insert(variable(parameter)?, text(value).unwrap_or_default());
        }
        Ok(Server {
            environment,
            role: arguments.string("session_role"),
        })
    }

    /// A statement, which goes to `psql` by its input.
    pub(super) fn statement(&self, database: &str, sql: &str) -> Command {
        let mut command = programs::plain([
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--no-align",
            "--tuples-only",
            "--no-password",
            "--field-separator=\t",
            "--set=ON_ERROR_STOP=1",
            "--dbname",
            database,
        ]);
        command.environment.extend(self.environment.clone());
        let role = self.role.as_ref();
        let role = role.map_or(String::new(), |role| format!("SET ROLE {};\n", name(role)));
        command.stdin = Some(format!("{role}{sql};\n"));
        command
    }

    /// A line of the shell with the server's settings in its environment; its words come as
    /// arguments, so that none of them is read twice.
    pub(super) fn shell(&self, script: &str, argv: Vec<String>, target: &Path) -> Command {
        let words = ["sh", "-c", script, "sh"].map(str::to_owned);
        let mut command = programs::plain(words.into_iter().chain(argv));
        command.environment.extend(self.environment.clone());
        let target = target.to_string_lossy().into_owned();
        command.environment.insert("TARGET".to_owned(), target);
        command
    }

    /// The role that is taken on, if any.
    pub(super) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Asks for rows.
    pub(super) fn rows(
        &self,
        host: &dyn Host,
        database: &str,
        sql: &str,
    ) -> Result<Vec<Vec<String>>, ModuleError> {
        programs::required(host, "psql")?;
        let said = host.run(&self.statement(database, sql))?;
        if said.status != 0 {
            let why = said.stderr.trim();
            return Err(ModuleError::new(format!(
                "unable to connect to database: {why}"
            )));
        }
        let lines = said.stdout.lines().filter(|line| !line.is_empty());
        Ok(lines
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect())
    }
}

/// The variables of `libpq` that are not called as its parameters.
const VARIABLES: &[(&str, &str)] = &[
    ("application_name", "PGAPPNAME"),
    ("client_encoding", "PGCLIENTENCODING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
];

/// Those that are.
const PARAMETERS: &[&str] = &[
    "channel_binding",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "krbsrvname",
    "options",
    "passfile",
    "password",
    "port",
    "requirepeer",
    "service",
    "sslcert",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "sslsni",
    "user",
];

/// The variable by which a parameter of `connect_params` comes to the host's programs.
fn variable(parameter: &str) -> Result<String, ModuleError> {
    let other = VARIABLES.iter().find(|(known, _)| *known == parameter);
    match other {
        Some((_, variable)) => Ok((*variable).to_owned()),
        None if PARAMETERS.contains(&parameter) => Ok(format!("PG{}", parameter.to_uppercase())),
        None => Err(ModuleError::new(format!(
            "`{parameter}` in `connect_params` is not supported by Strata"
        ))),
    }
}

/// A name as SQL has it.
pub(super) fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A text as SQL has it, whatever the server thinks of backslashes.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        return format!(" E'{}'", quoted.replace('\\', "\\\\"));
    }
    format!("'{quoted}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_a_connection_are_variables() {
        assert_eq!(variable("sslmode").as_deref(), Ok("PGSSLMODE"));
        assert_eq!(variable("application_name").as_deref(), Ok("PGAPPNAME"));
        assert!(variable("keepalives").is_err_and(|error| error.msg.contains("`keepalives`")));
    }

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!(name("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("o'x"), "'o''x'");
        assert_eq!(literal("a\\b"), " E'a\\\\b'");
    }
}
