//! Which environment a path is for, by the words that people use.

/// Words that name an environment wherever they stand in a path.
const NAMES: [&str; 21] = [
    "dev",
    "develop",
    "development",
    "home",
    "homelab",
    "lab",
    "live",
    "local",
    "preprod",
    "prd",
    "prod",
    "production",
    "qa",
    "sandbox",
    "stage",
    "staging",
    "stg",
    "test",
    "testing",
    "uat",
    "vagrant",
];
/// Folders whose folders are environments, whatever they are called.
const PARENTS: [&str; 7] = [
    "env",
    "envs",
    "environment",
    "environments",
    "inventories",
    "live",
    "stages",
];

/// The environment that a path belongs to; none if it is for all.
pub(super) fn of(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let below = parts.windows(2).rev().find_map(|pair| {
        let is_folder = !pair[1].contains('.');
        (is_folder && PARENTS.contains(&pair[0])).then_some(pair[1])
    });
    let known = |part: &&&str| NAMES.contains(&stem(part));
    let found = below.or_else(|| parts.iter().rev().find(known).map(|part| stem(part)));
    found.map(str::to_owned)
}

/// A file's name up to its first dot.
pub(super) fn stem(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// A name of the letters that a name may have; references need one that begins with a letter.
pub(super) fn stage_name(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = name.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '_'));
    match name.trim_end_matches('-') {
        "" => "main".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_environment() {
        let cases = [
            ("terraform/envs/iapetus/main.tf", Some("iapetus")),
            ("inventories/cluster01/hosts.yml", Some("cluster01")),
            ("terraform/prod.tfvars", Some("prod")),
            ("ansible/staging/hosts.ini", Some("staging")),
            ("environments/prod.tfvars", Some("prod")),
            ("terraform/modules/vm/main.tf", None),
            ("ansible/site.yml", None),
        ];
        for (path, expected) in cases {
            assert_eq!(of(path).as_deref(), expected, "{path}");
        }
    }
}
