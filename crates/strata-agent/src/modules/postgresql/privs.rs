//! `postgresql_privs`: what roles may do with databases and what is in them, or whose members they
//! are.
//!
//! Whether a grant changes anything the server itself tells: it is made in a transaction that is
//! rolled back, and the lists of rights before and after are compared.

use serde_json::json;

use super::{LOGIN, Server, name};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::{Notice, Task};

pub(in crate::modules) struct PostgresqlPrivs {
    server: Server,
    database: String,
    kind: String,
    objects: Vec<String>,
    all_in_schema: bool,
    privileges: Vec<String>,
    schema: Option<String>,
    roles: Vec<String>,
    target_roles: Vec<String>,
    grant_option: Option<bool>,
    present: bool,
    fail_on_role: bool,
}

/// The statement, and whether it changes anything.
pub(in crate::modules) struct Found {
    query: Option<String>,
    changes: bool,
    missing: Vec<String>,
}

const PRIVILEGES: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "CREATE",
    "CONNECT",
    "TEMPORARY",
    "TEMP",
    "EXECUTE",
    "USAGE",
    "ALL",
    "SET",
    "ALTER_SYSTEM",
    "MAINTAIN",
];

/// Where each kind keeps its rights, and how it is named there.
const LISTS: &[(&str, &str)] = &[
    ("table", "SELECT relname, relacl::text FROM pg_class"),
    ("sequence", "SELECT relname, relacl::text FROM pg_class"),
    ("function", "SELECT oid, proacl::text FROM pg_proc"),
    ("procedure", "SELECT oid, proacl::text FROM pg_proc"),
    ("schema", "SELECT nspname, nspacl::text FROM pg_namespace"),
    ("language", "SELECT lanname, lanacl::text FROM pg_language"),
    (
        "tablespace",
        "SELECT spcname, spcacl::text FROM pg_tablespace",
    ),
    ("database", "SELECT datname, datacl::text FROM pg_database"),
    (
        "group",
        "SELECT roleid, member, admin_option FROM pg_auth_members",
    ),
    (
        "default_privs",
        "SELECT defaclrole, defaclnamespace, defaclobjtype, defaclacl::text FROM pg_default_acl",
    ),
    (
        "foreign_data_wrapper",
        "SELECT fdwname, fdwacl::text FROM pg_foreign_data_wrapper",
    ),
    (
        "foreign_server",
        "SELECT srvname, srvacl::text FROM pg_foreign_server",
    ),
    ("type", "SELECT oid, typacl::text FROM pg_type"),
    (
        "parameter",
        "SELECT parname, paracl::text FROM pg_parameter_acl",
    ),
];

impl Module for PostgresqlPrivs {
    const SPEC: Spec = Spec::new(
        "community.postgresql.postgresql_privs",
        &[
            Field::str("login_db").alias(&["db", "database"]).required(),
            Field::str("roles").alias(&["role"]).required(),
            Field::bool("fail_on_role", true),
            Field::maybe("grant_option").alias(&["admin_option"]),
            Field::str("objs").alias(&["obj"]),
            Field::str("privs").alias(&["priv"]),
            Field::str("schema"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("target_roles"),
            Field::str("type")
                .choices(&[
                    "database",
                    "default_privs",
                    "foreign_data_wrapper",
                    "foreign_server",
                    "function",
                    "group",
                    "language",
                    "table",
                    "tablespace",
                    "schema",
                    "sequence",
                    "type",
                    "procedure",
                    "parameter",
                ])
                .default("table"),
        ],
    )
    .with(LOGIN);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PostgresqlPrivs, ModuleError> {
        let kind = arguments.text("type");
        let database = arguments.text("login_db");
        let objects = arguments.string("objs");
        let objects = objects.or_else(|| (kind == "database").then(|| database.clone()));
        let objects = objects.ok_or_else(|| {
            ModuleError::new(format!(
                "Argument \"objs\" is required for type \"{kind}\"."
            ))
        })?;
        let all_in_schema = objects == "ALL_IN_SCHEMA";
        let in_schema = matches!(
            kind.as_str(),
            "table" | "sequence" | "function" | "procedure" | "type" | "default_privs"
        );
        if all_in_schema && (!in_schema || matches!(kind.as_str(), "type" | "default_privs")) {
            return Err(ModuleError::new(format!(
                "Argument \"objs\": ALL_IN_SCHEMA can be used only for type: table, sequence, \
                 function or procedure, {kind} was passed."
            )));
        }
        let schema = arguments.string("schema");
        if schema.is_some() && !in_schema {
            return Err(ModuleError::new(format!(
                "Argument \"schema\" is not allowed for type \"{kind}\"."
            )));
        }
        let everywhere = objects == "schemas" || schema.as_deref() == Some("not-specified");
        let list = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        Ok(PostgresqlPrivs {
            server: Server::read(arguments)?,
            database,
            objects: match (kind.as_str(), objects.as_str()) {
                ("default_privs", "ALL_DEFAULT") => ["TABLES", "SEQUENCES", "FUNCTIONS", "TYPES"]
                    .map(str::to_owned)
                    .to_vec(),
                ("default_privs", _) => list(objects.to_uppercase()),
                _ => list(objects),
            },
            all_in_schema,
            privileges: privileges(arguments, &kind)?,
            schema: match in_schema && !everywhere {
                true => Some(schema.unwrap_or_else(|| "public".to_owned())),
                false => None,
            },
            kind,
            roles: list(arguments.text("roles")),
            target_roles: arguments
                .string("target_roles")
                .map(list)
                .unwrap_or_default(),
            grant_option: arguments.maybe("grant_option"),
            present: arguments.text("state") == "present",
            fail_on_role: arguments.bool("fail_on_role"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let (known, missing) = self.roles(host)?;
        let mut found = Found {
            query: None,
            changes: false,
            missing,
        };
        if known.is_empty() {
            return Ok(found);
        }
        let query = self.query(&known.join(","))?;
        let list = LISTS.iter().find(|(kind, _)| *kind == self.kind);
        let list = list.map_or("SELECT 1", |(_, list)| *list);
        let script = format!(
            "BEGIN;\n{list} ORDER BY 1, 2;\nSELECT '--';\n{query}\n{list} ORDER BY 1, 2;\nROLLBACK"
        );
        let said = host.run(&self.server.statement(&self.database, &script))?;
        if said.status != 0 {
            return Err(ModuleError::new(said.stderr.trim()));
        }
        let (before, after) = said.stdout.split_once("--\n").unwrap_or_default();
        found.changes = before != after;
        found.query = Some(query);
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let query = found.query.as_ref().filter(|_| found.changes);
        let run = query.map(|query| {
            let script = format!("BEGIN;\n{query}\nCOMMIT");
            programs::change(self.server.statement(&self.database, &script))
        });
        run.into_iter().collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let missing = found.missing.iter();
        let mut notices: Vec<Notice> = missing
            .map(|role| Notice::Warning(format!("Role '{role}' does not exist, pass it")))
            .collect();
        if found.query.is_none() {
            notices.push(Notice::Warning(
                "No valid roles provided, nothing to do".to_owned(),
            ));
        }
        Ok(Report {
            notices,
            ..Report::of(values(json!({
                "queries": found.query.iter().collect::<Vec<_>>(),
            })))
        })
    }
}

fn privileges(arguments: &Arguments, kind: &str) -> Result<Vec<String>, ModuleError> {
    let given = arguments.string("privs");
    match (&given, kind) {
        (Some(_), "group") => {
            return Err(ModuleError::new(
                "Argument \"privs\" is not allowed for type \"group\".",
            ));
        }
        (None, "group") => return Ok(Vec::new()),
        (None, _) => {
            return Err(ModuleError::new(format!(
                "Argument \"privs\" is required for type \"{kind}\"."
            )));
        }
        _ => {}
    }
    let given = given.unwrap_or_default().to_uppercase();
    let words: Vec<String> = given
        .split(',')
        .map(|word| word.trim().to_owned())
        .collect();
    match words
        .iter()
        .find(|word| !PRIVILEGES.contains(&word.as_str()))
    {
        Some(wrong) => Err(ModuleError::new(format!(
            "Invalid privileges specified: frozenset({{'{wrong}'}})"
        ))),
        None => Ok(words),
    }
}

impl PostgresqlPrivs {
    /// The roles that are there, as SQL has them, and those that are not.
    fn roles(&self, host: &dyn Host) -> Result<(Vec<String>, Vec<String>), ModuleError> {
        let rows = self
            .server
            .rows(host, &self.database, "SELECT rolname FROM pg_roles")?;
        let (mut known, mut missing) = (Vec::new(), Vec::new());
        for role in &self.roles {
            let upper = role.to_uppercase();
            let is_word = matches!(
                upper.as_str(),
                "PUBLIC" | "CURRENT_USER" | "SESSION_USER" | "CURRENT_ROLE"
            );
            if is_word {
                known.push(upper);
            } else if rows.iter().any(|row| row.first() == Some(role)) {
                known.push(name(role));
            } else if self.fail_on_role {
                return Err(ModuleError::new(format!("Role '{role}' does not exist")));
            } else {
                missing.push(role.clone());
            }
        }
        Ok((known, missing))
    }

    fn query(&self, whom: &str) -> Result<String, ModuleError> {
        if self.kind == "default_privs" {
            return Ok(self.defaults(whom));
        }
        let what = self.what()?;
        if !self.present {
            return Ok(format!("REVOKE {what} FROM {whom};"));
        }
        let option = if self.kind == "group" {
            "ADMIN"
        } else {
            "GRANT"
        };
        Ok(match self.grant_option {
            Some(true) => format!("GRANT {what} TO {whom} WITH {option} OPTION;"),
            Some(false) => {
                format!("GRANT {what} TO {whom};\nREVOKE {option} OPTION FOR {what} FROM {whom};")
            }
            None => format!("GRANT {what} TO {whom};"),
        })
    }

    /// The rights on the objects, or the groups.
    fn what(&self) -> Result<String, ModuleError> {
        let schema = self.schema.as_deref().map(name);
        let privileges = self.privileges.join(",").replace('_', " ");
        let kind = self.kind.replace('_', " ");
        if self.all_in_schema {
            let schema = schema.unwrap_or_default();
            let kind = kind.to_uppercase();
            return Ok(format!("{privileges} ON ALL {kind}S IN SCHEMA {schema}"));
        }
        let within = |id: String| match &schema {
            Some(schema) => format!("{schema}.{id}"),
            None => id,
        };
        let mut ids = Vec::new();
        for object in &self.objects {
            ids.push(match self.kind.as_str() {
                "function" | "procedure" => {
                    let signature = object.replace(':', ",");
                    let (function, rest) = signature.split_once('(').ok_or_else(|| {
                        ModuleError::new(format!(
                            "Illegal function / procedure signature: \"{signature}\"."
                        ))
                    })?;
                    within(format!("{}({rest}", name(function)))
                }
                "table" | "sequence" | "type" => within(name(object)),
                "parameter" => object.clone(),
                _ => name(object),
            });
        }
        let ids = ids.join(",");
        Ok(match self.kind.as_str() {
            "group" => ids,
            _ => format!("{privileges} ON {kind} {ids}"),
        })
    }

    fn defaults(&self, whom: &str) -> String {
        let targets: Vec<String> = self.target_roles.iter().map(|role| name(role)).collect();
        let mut start = "ALTER DEFAULT PRIVILEGES".to_owned();
        if !targets.is_empty() {
            start.push_str(&format!(" FOR ROLE {}", targets.join(",")));
        }
        if let Some(schema) = &self.schema {
            start.push_str(&format!(" IN SCHEMA {}", name(schema)));
        }
        let mut lines = Vec::new();
        if !self.present {
            let kinds = ["TABLES", "FUNCTIONS", "SEQUENCES", "TYPES"];
            lines.extend(
                kinds
                    .iter()
                    .map(|kind| format!("{start} REVOKE ALL ON {kind} FROM {whom};")),
            );
            return lines.join("\n");
        }
        let objects = self.objects.iter();
        lines.extend(objects.map(|kind| format!("{start} REVOKE ALL ON {kind} FROM {whom};")));
        let privileges = self.privileges.join(",");
        let option = match self.grant_option {
            Some(true) => " WITH GRANT OPTION",
            _ => "",
        };
        for kind in &self.objects {
            lines.push(format!(
                "{start} GRANT {privileges} ON {kind} TO {whom}{option};"
            ));
        }
        lines.join("\n")
    }
}
