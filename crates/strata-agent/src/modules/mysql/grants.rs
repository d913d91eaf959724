//! Rights of a user: as a task writes them, and as the server shows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::name;
use crate::arguments::text;
use crate::module::ModuleError;

/// Rights by what they are on; `GRANT` among them is the right to pass them on.
pub(super) type Grants = BTreeMap<String, BTreeSet<String>>;

/// Reads `db.*:SELECT,INSERT/other.table:ALL`, or a map of the same.
pub(super) fn read(given: &Value, keeps_case: bool) -> Result<Grants, ModuleError> {
    let pairs: Vec<(String, String)> = match given {
        Value::Object(map) => map
            .iter()
            .map(|(on, rights)| (on.clone(), text(rights).unwrap_or_default()))
            .collect(),
        Value::String(line) => line
            .trim()
            .split('/')
            .map(|part| split(part.trim()))
            .collect::<Result<_, _>>()?,
        other => {
            return Err(ModuleError::new(format!(
                "priv parameter must be str or dict but {other} was passed"
            )));
        }
    };
    let mut grants = Grants::new();
    for (on, rights) in pairs {
        let rights = list(&rights);
        let rights = rights.map(|right| normal(right, keeps_case));
        grants.entry(object(&on)).or_default().extend(rights);
    }
    Ok(grants)
}

fn split(part: &str) -> Result<(String, String), ModuleError> {
    let (on, rights) = part
        .rsplit_once(':')
        .ok_or_else(|| ModuleError::new(format!("invalid privileges string: {part}")))?;
    Ok((on.to_owned(), rights.to_owned()))
}

/// A database, table or routine, quoted as the server shows it.
fn object(on: &str) -> String {
    let (kind, on) = match on.split_once(' ') {
        Some((kind @ ("FUNCTION" | "PROCEDURE"), on)) => (format!("{kind} "), on),
        _ => (String::new(), on),
    };
    let part = |part: &str| match part.trim_matches('`') {
        "*" => "*".to_owned(),
        plain => name(plain),
    };
    match on.rsplit_once('.') {
        Some((database, table)) => format!("{kind}{}.{}", part(database), part(table)),
        None => format!("{kind}{}", part(on)),
    }
}

/// The rights of a list, in which parentheses hold columns.
fn list(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = text.split(move |c: char| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|right| !right.is_empty())
}

/// One spelling for each right; columns in order.
fn normal(right: &str, keeps_case: bool) -> String {
    let (word, columns) = match right.split_once('(') {
        Some((word, columns)) => (word.trim(), Some(columns.trim_end_matches(')'))),
        None => (right.trim(), None),
    };
    let word = match word.to_uppercase().as_str() {
        "ALL PRIVILEGES" => "ALL".to_owned(),
        "GRANT OPTION" => "GRANT".to_owned(),
        word => word.to_owned(),
    };
    let Some(columns) = columns else {
        return word;
    };
    let columns = columns.split(',').map(|column| {
        let column = column.trim().trim_matches('`');
        match keeps_case {
            true => column.to_owned(),
            false => column.to_uppercase(),
        }
    });
    let columns: BTreeSet<String> = columns.collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    format!("{word} ({})", columns.join(", "))
}

/// Reads what `SHOW GRANTS` prints.
pub(super) fn shown(lines: &[Vec<String>], keeps_case: bool) -> Grants {
    let mut grants = Grants::new();
    for line in lines.iter().flatten() {
        let Some((rights, rest)) = line
            .strip_prefix("GRANT ")
            .and_then(|line| line.split_once(" ON "))
        else {
            continue;
        };
        let Some((on, rest)) = rest.split_once(" TO ") else {
            continue;
        };
        let entry = grants.entry(object(on)).or_default();
        entry.extend(list(rights).map(|right| normal(right, keeps_case)));
        if rest.contains("WITH GRANT OPTION") {
            entry.insert("GRANT".to_owned());
        }
    }
    grants
}

/// Statements that take and give rights on one thing.
pub(super) fn revoke(on: &str, rights: &BTreeSet<String>, from: &str) -> Vec<String> {
    let mut statements = Vec::new();
    if rights.contains("GRANT") {
        statements.push(format!("REVOKE GRANT OPTION ON {on} FROM {from}"));
    }
    let plain: Vec<&str> = rights
        .iter()
        .map(String::as_str)
        .filter(|right| *right != "GRANT")
        .collect();
    if !plain.is_empty() && plain != ["USAGE"] {
        statements.push(format!("REVOKE {} ON {on} FROM {from}", plain.join(",")));
    }
    statements
}

pub(super) fn grant(on: &str, rights: &BTreeSet<String>, to: &str, more: &str) -> String {
    let plain: Vec<&str> = rights
        .iter()
        .map(String::as_str)
        .filter(|right| *right != "GRANT")
        .collect();
    let plain = if plain.is_empty() {
        "USAGE".to_owned()
    } else {
        plain.join(",")
    };
    let option = if rights.contains("GRANT") {
        " WITH GRANT OPTION"
    } else {
        ""
    };
    format!("GRANT {plain} ON {on} TO {to}{more}{option}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_as_written_and_as_shown() {
        let written = read(&"app.*:SELECT,insert (b, a),GRANT/*.*:USAGE".into(), false).unwrap();
        let rows = [
            "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*1'",
            "GRANT SELECT, INSERT (`A`, `B`) ON `app`.* TO `u`@`%` WITH GRANT OPTION",
        ];
        let rows: Vec<Vec<String>> = rows.iter().map(|row| vec![(*row).to_owned()]).collect();
        assert_eq!(written, shown(&rows, false));
        assert!(read(&"nonsense".into(), false).is_err());
    }

    #[test]
    fn rights_become_statements() {
        let rights = BTreeSet::from(["SELECT".to_owned(), "GRANT".to_owned()]);
        assert_eq!(
            grant("`a`.*", &rights, "'u'@'%'", ""),
            "GRANT SELECT ON `a`.* TO 'u'@'%' WITH GRANT OPTION"
        );
        assert_eq!(
            revoke("`a`.*", &rights, "'u'@'%'"),
            [
                "REVOKE GRANT OPTION ON `a`.* FROM 'u'@'%'",
                "REVOKE SELECT ON `a`.* FROM 'u'@'%'"
            ]
        );
    }
}
