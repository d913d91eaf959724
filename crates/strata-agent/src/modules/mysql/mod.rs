//! What the `mysql_…` modules share: asking a server by the host's own client.
//!
//! The password goes to the client in a file that only we can read, for as long as the task runs.

use std::path::PathBuf;

use serde_json::Value;

use super::programs;
use super::scratch::Scratch;
use crate::arguments::{Arguments, Field, text};
use crate::host::Host;
use crate::module::ModuleError;
use crate::system::Command;

pub(super) mod db;
pub(super) mod grants;
pub(super) mod user;
pub(super) mod variables;

/// The arguments of every module of the family.
pub(super) const LOGIN: &[Field] = &[
    Field::str("login_user"),
    Field::str("login_password"),
    Field::str("login_host").default("localhost"),
    Field::int("login_port").default("3306"),
    Field::str("login_unix_socket"),
    Field::path("config_file").default("~/.my.cnf"),
    Field::int("connect_timeout").default("30"),
    Field::path("ca_cert").alias(&["ssl_ca"]),
    Field::path("client_cert").alias(&["ssl_cert"]),
    Field::path("client_key").alias(&["ssl_key"]),
    Field::maybe("check_hostname"),
    Field::bool("check_implicit_admin", false),
    Field::bool("sql_log_bin", true),
];

/// How a server is reached.
pub(super) struct Server {
    user: Option<String>,
    password: Option<String>,
    host: String,
    port: i64,
    socket: Option<String>,
    config: PathBuf,
    options: Vec<String>,
    tries_root: bool,
    logs: bool,
    /// Whether the own options are read before those of the file.
    pub(super) only_config: bool,
    /// What is set before each statement.
    session: Vec<String>,
}

/// A server that answered, and by which client it is asked.
pub(super) struct Client {
    pub(super) program: String,
    options: Vec<String>,
    logs: bool,
    session: Vec<String>,
    pub(super) is_mariadb: bool,
    /// Holds the file with the password.
    _scratch: Scratch,
}

impl Server {
    pub(super) fn read(arguments: &Arguments) -> Server {
        let mut options = Vec::new();
        for (name, flag) in [
            ("ca_cert", "--ssl-ca"),
            ("client_cert", "--ssl-cert"),
            ("client_key", "--ssl-key"),
        ] {
            let given = arguments.string(name);
            options.extend(given.map(|path| format!("{flag}={path}")));
        }
        if arguments.maybe("check_hostname") == Some(true) {
            // Each of the two clients knows one of them; a `loose` one that it does not know is no mistake.
            let flags = [
                "--loose-ssl-verify-server-cert",
                "--loose-ssl-mode=VERIFY_IDENTITY",
            ];
            options.extend(flags.map(str::to_owned));
        }
        options.push(format!(
            "--connect-timeout={}",
            arguments.seconds("connect_timeout")
        ));
        Server {
            user: arguments.string("login_user"),
            password: arguments.string("login_password"),
            host: arguments.text("login_host"),
            port: arguments.int("login_port").unwrap_or(3306),
            socket: arguments.string("login_unix_socket"),
            config: arguments.path("config_file").unwrap_or_default(),
            options,
            tries_root: arguments.bool("check_implicit_admin"),
            logs: arguments.bool("sql_log_bin"),
            only_config: false,
            session: session(arguments),
        }
    }

    /// Finds the client and asks the server for its name.
    pub(super) fn connect(&self, host: &dyn Host) -> Result<Client, ModuleError> {
        let programs = ["mariadb", "mysql"];
        let program = programs
            .iter()
            .find(|name| host.find_program(name).is_some());
        let Some(program) = program else {
            return Err(programs::missing("mysql"));
        };
        if self.tries_root
            && let Ok(client) = self.client(host, program, Some("root"), None)
        {
            return Ok(client);
        }
        self.client(
            host,
            program,
            self.user.as_deref(),
            self.password.as_deref(),
        )
    }

    /// A socket that the option file names counts before the name of a host, as with PyMySQL.
    fn socket_of_config(&self, host: &dyn Host) -> Option<String> {
        client_socket(&host.read_text(&self.config)?)
    }

    fn client(
        &self,
        host: &dyn Host,
        program: &str,
        user: Option<&str>,
        password: Option<&str>,
    ) -> Result<Client, ModuleError> {
        let scratch = Scratch::new(host)?;
        let mut file = String::new();
        if host.metadata_followed(&self.config)?.is_some() {
            file.push_str(&format!("!include {}\n", self.config.display()));
        }
        file.push_str("[client]\n");
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                file.push_str(&format!("{name}=\"{}\"\n", quoted(value)));
            }
        };
        add("user", user);
        add("password", password);
        let path = scratch.put(host, "client.cnf", &file)?;
        let kind = if self.only_config {
            "file"
        } else {
            "extra-file"
        };
        let mut options = vec![format!("--defaults-{kind}={path}")];
        let socket = match &self.socket {
            Some(socket) => Some(socket.clone()),
            None => self.socket_of_config(host),
        };
        match socket {
            Some(socket) => options.push(format!("--socket={socket}")),
            None => {
                options.push(format!("--host={}", self.host));
                options.push(format!("--port={}", self.port));
            }
        }
        options.extend(self.options.iter().cloned());
        let mut client = Client {
            program: program.to_owned(),
            options,
            logs: self.logs,
            session: self.session.clone(),
            is_mariadb: false,
            _scratch: scratch,
        };
        let rows = client.rows(host, "SELECT VERSION()").map_err(|error| match error.unknown {
            true => error,
            false => ModuleError::new(format!(
                "unable to connect to database, check login_user and login_password are correct \
                 or {} has the credentials. Exception message: {}",
                self.config.display(),
                error.msg
            )),
        })?;
        let version = rows.into_iter().flatten().next().unwrap_or_default();
        client.is_mariadb = version.contains("MariaDB");
        Ok(client)
    }
}

/// The statements that set `session_vars`.
fn session(arguments: &Arguments) -> Vec<String> {
    let given = arguments.raw("session_vars").and_then(Value::as_object);
    let set = |(variable, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) => literal(text),
            Value::Bool(true) => "1".to_owned(),
            Value::Bool(false) => "0".to_owned(),
            value => text(value).unwrap_or_default(),
        };
        format!("SET SESSION {} = {value};\n", name(variable))
    };
    given.into_iter().flatten().map(set).collect()
}

/// The `socket` of the section `[client]` of an option file.
fn client_socket(text: &str) -> Option<String> {
    let mut section = "";
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').trim();
        } else if let ("client", Some((name, value))) = (section, line.split_once('='))
            && name.trim() == "socket"
        {
            found = Some(value.trim().trim_matches(['"', '\'']).to_owned());
        }
    }
    found.filter(|socket| !socket.is_empty())
}

/// A value inside the quotes of an option file.
fn quoted(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

impl Client {
    /// A statement, which goes to the client by its input.
    pub(super) fn statement(&self, sql: &str) -> Command {
        let mut argv = vec![self.program.clone()];
        argv.extend(self.options.iter().cloned());
        argv.extend(["--batch", "--skip-column-names", "--raw"].map(str::to_owned));
        let log = if self.logs {
            ""
        } else {
            "SET SQL_LOG_BIN=0;\n"
        };
        Command {
            stdin: Some(format!("{log}{}{sql};\n", self.session.concat())),
            ..programs::plain(argv)
        }
    }

    /// The words for another program of the same family.
    pub(super) fn other(
        &self,
        names: &[&str],
        host: &dyn Host,
    ) -> Result<Vec<String>, ModuleError> {
        let found = names.iter().find(|name| host.find_program(name).is_some());
        let program = found.ok_or_else(|| programs::missing(names[0]))?;
        let mut argv = vec![(*program).to_owned()];
        let own = |option: &&String| !option.starts_with("--connect-timeout");
        argv.extend(self.options.iter().filter(own).cloned());
        Ok(argv)
    }

    /// Asks for rows.
    pub(super) fn rows(&self, host: &dyn Host, sql: &str) -> Result<Vec<Vec<String>>, ModuleError> {
        let said = host.run(&self.statement(sql))?;
        if said.status != 0 {
            return Err(ModuleError::new(said.stderr.trim()));
        }
        let rows = said.stdout.lines();
        Ok(rows
            .map(|line| line.split('\t').map(str::to_owned).collect())
            .collect())
    }
}

/// A name as SQL has it.
pub(super) fn name(text: &str) -> String {
    format!("`{}`", text.replace('`', "``"))
}

/// A text as SQL has it.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_for_clients_is_found_in_an_option_file() {
        let text =
            "# note\n[mysqld]\nsocket=/a\n[client]\nuser=\"root\"\nsocket = \"/run/b.sock\"\n";
        assert_eq!(client_socket(text).as_deref(), Some("/run/b.sock"));
        assert_eq!(client_socket("[mysqld]\nsocket=/a\n"), None);
        assert_eq!(client_socket("[client]\nsocket=\n"), None);
    }

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!(name("a`b"), "`a``b`");
        assert_eq!(literal("o'x\\"), "'o''x\\\\'");
        assert_eq!(quoted("a\"b\\"), "a\\\"b\\\\");
    }
}
