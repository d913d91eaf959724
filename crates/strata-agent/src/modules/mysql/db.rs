//! `mysql_db`: databases that are there, or not, or are dumped or filled.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Client, LOGIN, Server, literal, name};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;

pub(in crate::modules) struct MysqlDb {
    server: Server,
    names: Vec<String>,
    state: String,
    encoding: String,
    collation: String,
    target: Option<PathBuf>,
    folder: Option<PathBuf>,
    /// Options of a dump, and of a dump and an import.
    of_dump: Vec<String>,
    force: bool,
    pipefail: bool,
}

/// Those that are there, and what is to be done.
pub(in crate::modules) struct Found {
    statements: Vec<String>,
    changes: Vec<Change>,
    _client: Client,
}

impl Module for MysqlDb {
    const SPEC: Spec = Spec::new(
        "community.mysql.mysql_db",
        &[
            Field::list("name").alias(&["db"]).required(),
            Field::str("state")
                .choices(&["absent", "dump", "import", "present"])
                .default("present"),
            Field::str("collation").default(""),
            Field::str("encoding").default(""),
            Field::path("target"),
            Field::path("chdir"),
            Field::bool("config_overrides_defaults", false),
            Field::str("dump_extra_args"),
            Field::bool("force", false),
            Field::bool("hex_blob", false),
            Field::list("ignore_tables"),
            Field::int("master_data")
                .choices(&["0", "1", "2"])
                .default("0"),
            Field::bool("pipefail", false),
            Field::bool("quick", true),
            Field::bool("restrict_config_file", false),
            Field::bool("single_transaction", false),
            Field::bool("skip_lock_tables", false),
            // Nothing of ours goes through a shell's words, so that both ways are the same.
            Field::bool("unsafe_login_password", false),
            Field::bool("use_shell", false),
        ],
    )
    .with(LOGIN);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<MysqlDb, ModuleError> {
        let state = arguments.text("state");
        let target = arguments.path("target");
        let acts_on_file = matches!(state.as_str(), "dump" | "import");
        if acts_on_file && target.is_none() {
            return Err(ModuleError::new(format!(
                "with state={state} target is required"
            )));
        }
        let names = arguments.list("name").unwrap_or_default();
        if names == ["all"] && !acts_on_file {
            return Err(ModuleError::new(
                "name is not allowed to equal 'all' unless state equals import, or dump.",
            ));
        }
        let mut server = Server::read(arguments);
        server.only_config = arguments.bool("restrict_config_file");
        Ok(MysqlDb {
            server,
            names,
            state,
            encoding: arguments.text("encoding"),
            collation: arguments.text("collation"),
            target,
            folder: arguments.path("chdir"),
            of_dump: of_dump(arguments)?,
            force: arguments.bool("force"),
            pipefail: arguments.bool("pipefail"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let client = self.server.connect(host)?;
        let rows = client.rows(host, "SHOW DATABASES")?;
        let there: Vec<&String> = rows.iter().flatten().collect();
        let all = self.names == ["all"];
        let (known, missing): (Vec<_>, Vec<_>) = self
            .names
            .iter()
            .partition(|name| all || there.contains(name));
        let mut statements = Vec::new();
        match self.state.as_str() {
            "absent" => {
                statements.extend(known.iter().map(|db| format!("DROP DATABASE {}", name(db))))
            }
            "present" | "import" => statements.extend(missing.iter().map(|db| self.creation(db))),
            _ if missing.is_empty() => {}
            _ => {
                let names = missing.iter().map(|name| name.as_str()).collect::<Vec<_>>();
                return Err(ModuleError::new(format!(
                    "Cannot dump database(s) '{}' - not found",
                    names.join(", ")
                )));
            }
        }
        let mut changes: Vec<Change> = Vec::new();
        changes.extend(
            statements
                .iter()
                .map(|sql| programs::change(client.statement(sql))),
        );
        match self.state.as_str() {
            "dump" => changes.push(self.dump(host, &client)?),
            "import" => changes.push(self.import(host, &client)?),
            _ => {}
        }
        Ok(Found {
            statements,
            changes,
            _client: client,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        found.changes.clone()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({
            "db": self.names.join(" "), "db_list": self.names,
        }));
        if !outcome.check {
            report.insert("executed_commands".to_owned(), json!(found.statements));
        }
        Ok(Report::of(report))
    }
}

fn of_dump(arguments: &Arguments) -> Result<Vec<String>, ModuleError> {
    let mut options = Vec::new();
    for (name, flag) in [
        ("single_transaction", "--single-transaction=true"),
        ("quick", "--quick"),
        ("hex_blob", "--hex-blob"),
        ("skip_lock_tables", "--skip-lock-tables"),
    ] {
        options.extend(arguments.bool(name).then(|| flag.to_owned()));
    }
    match arguments.int("master_data").unwrap_or(0) {
        0 => {}
        number => options.push(format!("--master-data={number}")),
    }
    let ignored = arguments.list("ignore_tables").unwrap_or_default();
    let ignored = ignored.iter().filter(|table| !table.is_empty());
    options.extend(ignored.map(|table| format!("--ignore-table={table}")));
    let more = arguments.text("dump_extra_args");
    options.extend(programs::words(&more)?);
    Ok(options)
}

impl MysqlDb {
    fn creation(&self, db: &str) -> String {
        let mut sql = format!("CREATE DATABASE {}", name(db));
        for (words, value) in [
            ("CHARACTER SET", &self.encoding),
            ("COLLATE", &self.collation),
        ] {
            if !value.is_empty() {
                sql.push_str(&format!(" {words} {}", literal(value)));
            }
        }
        sql
    }

    fn dump(&self, host: &dyn Host, client: &Client) -> Result<Change, ModuleError> {
        let mut argv = client.other(&["mariadb-dump", "mysqldump"], host)?;
        argv.extend(self.of_dump.iter().cloned());
        self.common(&mut argv);
        match self.names == ["all"] {
            true => argv.push("--all-databases".to_owned()),
            false if self.names.len() > 1 => {
                argv.push("--databases".to_owned());
                argv.extend(self.names.iter().cloned());
            }
            false => argv.extend(self.names.iter().cloned()),
        }
        let target = self.target.clone().unwrap_or_default();
        let pack = match packer(&target) {
            Some((program, _)) => format!(" | {program}"),
            None => String::new(),
        };
        // The words come as the shell's own, so that none of them is read twice.
        let script = format!("\"$@\"{pack} > \"$TARGET\"");
        let shell = if self.pipefail {
            "set -o pipefail; "
        } else {
            ""
        };
        Ok(self.shell(&format!("{shell}{script}"), argv, &target))
    }

    fn import(&self, host: &dyn Host, client: &Client) -> Result<Change, ModuleError> {
        let target = self.target.clone().unwrap_or_default();
        let found = host.metadata_followed(&target)?;
        if found.is_none() {
            let shown = target.display();
            return Err(ModuleError::new(format!(
                "target {shown} does not exist on the host"
            )));
        }
        let mut argv = client.other(&["mariadb", "mysql"], host)?;
        self.common(&mut argv);
        if self.names != ["all"] {
            argv.push("--one-database".to_owned());
            argv.extend(self.names.iter().take(1).cloned());
        }
        let script = match packer(&target) {
            Some((_, unpack)) => format!("{unpack} < \"$TARGET\" | \"$@\""),
            None => "\"$@\" < \"$TARGET\"".to_owned(),
        };
        Ok(self.shell(&script, argv, &target))
    }

    fn common(&self, argv: &mut Vec<String>) {
        if self.force {
            argv.push("--force".to_owned());
        }
        if !self.encoding.is_empty() {
            argv.push(format!("--default-character-set={}", self.encoding));
        }
    }

    fn shell(&self, script: &str, argv: Vec<String>, target: &Path) -> Change {
        let program = if self.pipefail { "bash" } else { "sh" };
        let mut words = vec![program.to_owned(), "-c".to_owned(), script.to_owned()];
        words.push(program.to_owned());
        words.extend(argv);
        let mut command = programs::plain(words);
        let target = target.to_string_lossy().into_owned();
        command.environment.insert("TARGET".to_owned(), target);
        command.directory.clone_from(&self.folder);
        programs::change(command)
    }
}

/// How a file is packed and unpacked, by the end of its name.
fn packer(path: &Path) -> Option<(&'static str, &'static str)> {
    match path.extension()?.to_str()? {
        "gz" => Some(("gzip -c", "gzip -dc")),
        "bz2" => Some(("bzip2 -c", "bzip2 -dc")),
        "xz" => Some(("xz -c", "xz -dc")),
        "zst" => Some(("zstd -c", "zstd -dc")),
        _ => None,
    }
}
