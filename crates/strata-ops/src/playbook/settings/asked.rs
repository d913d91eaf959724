//! Settings by the names that Ansible has for them inside, for `lookup('config', NAME)`.

use serde_json::Value as Json;

use super::Settings;

/// What kind of value a setting has, and which where nobody sets it.
#[derive(Clone, Copy)]
enum Kind {
    /// A text, or nothing.
    Text(Option<&'static str>),
    /// Yes or no.
    Flag(bool),
    /// A number, or nothing.
    Number(Option<u64>),
    /// A path, or nothing.
    Path,
    /// Paths with this between them; a `~` stands for the user's home.
    Paths(char, &'static [&'static str]),
    /// A list of words.
    Words,
}

use Kind::{Flag, Number, Path, Paths, Text, Words};

/// Ansible's name, ours (see [`super::known::KNOWN`]), and the kind; defaults are those of ansible-core 2.19.
const ASKED: &[(&str, &str, Kind)] = &[
    ("BECOME_PASSWORD_FILE", "become_password_file", Path),
    ("CACHE_PLUGIN", "fact_caching", Text(Some("memory"))),
    (
        "CACHE_PLUGIN_CONNECTION",
        "fact_caching_connection",
        Text(None),
    ),
    (
        "CACHE_PLUGIN_PREFIX",
        "fact_caching_prefix",
        Text(Some("ansible_facts")),
    ),
    (
        "CACHE_PLUGIN_TIMEOUT",
        "fact_caching_timeout",
        Number(Some(86400)),
    ),
    (
        "COLLECTIONS_PATHS",
        "collections_path",
        Paths(
            ':',
            &["~/.ansible/collections", "/usr/share/ansible/collections"],
        ),
    ),
    ("CONNECTION_PASSWORD_FILE", "connection_password_file", Path),
    ("DEFAULT_ASK_PASS", "ask_pass", Flag(false)),
    ("DEFAULT_ASK_VAULT_PASS", "ask_vault_pass", Flag(false)),
    ("DEFAULT_BECOME", "become", Flag(false)),
    ("DEFAULT_BECOME_ASK_PASS", "become_ask_pass", Flag(false)),
    ("DEFAULT_BECOME_EXE", "become_exe", Text(None)),
    ("DEFAULT_BECOME_FLAGS", "become_flags", Text(None)),
    ("DEFAULT_BECOME_METHOD", "become_method", Text(Some("sudo"))),
    ("DEFAULT_BECOME_USER", "become_user", Text(Some("root"))),
    (
        "DEFAULT_FILTER_PLUGIN_PATH",
        "filter_plugins",
        Paths(
            ':',
            &[
                "~/.ansible/plugins/filter",
                "/usr/share/ansible/plugins/filter",
            ],
        ),
    ),
    ("DEFAULT_FORCE_HANDLERS", "force_handlers", Flag(false)),
    ("DEFAULT_FORKS", "forks", Number(Some(5))),
    ("DEFAULT_GATHERING", "gathering", Text(Some("implicit"))),
    (
        "DEFAULT_HASH_BEHAVIOUR",
        "hash_behaviour",
        Text(Some("replace")),
    ),
    (
        "DEFAULT_HOST_LIST",
        "inventory",
        Paths(',', &["/etc/ansible/hosts"]),
    ),
    (
        "DEFAULT_LOOKUP_PLUGIN_PATH",
        "lookup_plugins",
        Paths(
            ':',
            &[
                "~/.ansible/plugins/lookup",
                "/usr/share/ansible/plugins/lookup",
            ],
        ),
    ),
    (
        "DEFAULT_MODULE_PATH",
        "library",
        Paths(
            ':',
            &[
                "~/.ansible/plugins/modules",
                "/usr/share/ansible/plugins/modules",
            ],
        ),
    ),
    (
        "DEFAULT_MODULE_UTILS_PATH",
        "module_utils",
        Paths(
            ':',
            &[
                "~/.ansible/plugins/module_utils",
                "/usr/share/ansible/plugins/module_utils",
            ],
        ),
    ),
    ("DEFAULT_PRIVATE_KEY_FILE", "private_key_file", Path),
    ("DEFAULT_REMOTE_PORT", "remote_port", Number(None)),
    ("DEFAULT_REMOTE_USER", "remote_user", Text(None)),
    (
        "DEFAULT_PRIVATE_ROLE_VARS",
        "private_role_vars",
        Flag(false),
    ),
    (
        "DEFAULT_ROLES_PATH",
        "roles_path",
        Paths(
            ':',
            &[
                "~/.ansible/roles",
                "/usr/share/ansible/roles",
                "/etc/ansible/roles",
            ],
        ),
    ),
    (
        "DEFAULT_STDOUT_CALLBACK",
        "stdout_callback",
        Text(Some("default")),
    ),
    ("DEFAULT_STRATEGY", "strategy", Text(Some("linear"))),
    ("DEFAULT_TIMEOUT", "timeout", Number(Some(10))),
    ("DEFAULT_TRANSPORT", "transport", Text(Some("ssh"))),
    (
        "DEFAULT_VAULT_IDENTITY",
        "vault_identity",
        Text(Some("default")),
    ),
    ("DEFAULT_VAULT_IDENTITY_LIST", "vault_identity_list", Words),
    ("DEFAULT_VAULT_PASSWORD_FILE", "vault_password_file", Path),
    ("DEFAULT_VERBOSITY", "verbosity", Number(Some(0))),
    ("DIFF_ALWAYS", "always_show_diff", Flag(false)),
    ("ENABLE_TASK_DEBUGGER", "enable_task_debugger", Flag(false)),
    ("HOST_KEY_CHECKING", "host_key_checking", Flag(true)),
    ("INJECT_FACTS_AS_VARS", "inject_facts_as_vars", Flag(true)),
    ("RETRY_FILES_ENABLED", "retry_files_enabled", Flag(false)),
    ("TAGS_RUN", "run_tags", Words),
    ("TAGS_SKIP", "skip_tags", Words),
];

/// The value of a setting by Ansible's own name for it; none if Strata does not know of it.
pub(in crate::playbook) fn asked(settings: &Settings, name: &str) -> Option<Json> {
    let (_, own, kind) = ASKED.iter().find(|(known, ..)| *known == name)?;
    Some(match kind {
        Text(usual) => settings.text(own).or(usual.map(str::to_owned)).into(),
        Flag(usual) => settings.flag(own).unwrap_or(*usual).into(),
        Number(usual) => {
            let said = settings.text(own).and_then(|text| text.parse().ok());
            said.or(*usual).into()
        }
        Path => settings
            .path(own)
            .map(|path| path.display().to_string())
            .into(),
        Paths(separator, usual) => paths(settings, own, *separator, usual).into(),
        Words => settings.list(own).into(),
    })
}

fn paths(settings: &Settings, own: &str, separator: char, usual: &[&str]) -> Vec<String> {
    let mut said = settings.paths(own, separator);
    if said.is_empty() {
        let usual = usual.iter().map(|path| match path.strip_prefix("~/") {
            Some(inside) => settings.home_folder(inside).unwrap_or(path.into()),
            None => path.into(),
        });
        said = usual.collect();
    }
    said.iter().map(|path| path.display().to_string()).collect()
}
