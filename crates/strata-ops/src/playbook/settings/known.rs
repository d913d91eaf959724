//! Every setting that is known: where it stands, and what it does here.

/// A setting.
pub(super) struct Setting {
    /// The name by which the code asks for it.
    pub(super) name: &'static str,
    /// `SECTION.KEY` in the file.
    pub(super) places: &'static [&'static str],
    /// Environment variables.
    pub(super) variables: &'static [&'static str],
    pub(super) effect: Effect,
}

/// What a setting does.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    /// It is used.
    Used,
    /// There is nothing here that it could change: what it tunes, Strata does not have or does always.
    Nothing,
    /// Only these values mean what Strata does anyway; others are named, with this reason.
    Only(&'static [&'static str], &'static str),
    /// A list of which these words are used; others are named, with this reason.
    Words(&'static [&'static str], &'static str),
}

const fn used(
    name: &'static str,
    places: &'static [&'static str],
    variables: &'static [&'static str],
) -> Setting {
    Setting {
        name,
        places,
        variables,
        effect: Effect::Used,
    }
}

const fn nothing(
    name: &'static str,
    places: &'static [&'static str],
    variables: &'static [&'static str],
) -> Setting {
    Setting {
        name,
        places,
        variables,
        effect: Effect::Nothing,
    }
}

const NO: &[&str] = &["false", "no", "off", "0", "n", "f", ""];

/// All of them.
pub(super) const KNOWN: &[Setting] = &[
    used("inventory", &["defaults.inventory"], &["ANSIBLE_INVENTORY"]),
    used(
        "inventory_ignore_extensions",
        &[
            "defaults.inventory_ignore_extensions",
            "inventory.ignore_extensions",
        ],
        &["ANSIBLE_INVENTORY_IGNORE"],
    ),
    used(
        "inventory_ignore_patterns",
        &[
            "defaults.inventory_ignore_patterns",
            "inventory.ignore_patterns",
        ],
        &["ANSIBLE_INVENTORY_IGNORE_REGEX"],
    ),
    used(
        "roles_path",
        &["defaults.roles_path"],
        &["ANSIBLE_ROLES_PATH"],
    ),
    used(
        "collections_path",
        &["defaults.collections_path", "defaults.collections_paths"],
        &["ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS"],
    ),
    used(
        "host_key_checking",
        &[
            "defaults.host_key_checking",
            "ssh_connection.host_key_checking",
        ],
        &["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"],
    ),
    used(
        "vault_password_file",
        &["defaults.vault_password_file"],
        &["ANSIBLE_VAULT_PASSWORD_FILE"],
    ),
    used(
        "vault_identity_list",
        &["defaults.vault_identity_list"],
        &["ANSIBLE_VAULT_IDENTITY_LIST"],
    ),
    used(
        "vault_identity",
        &["defaults.vault_identity"],
        &["ANSIBLE_VAULT_IDENTITY"],
    ),
    used(
        "vault_id_match",
        &["defaults.vault_id_match"],
        &["ANSIBLE_VAULT_ID_MATCH"],
    ),
    used(
        "vault_encrypt_identity",
        &["defaults.vault_encrypt_identity"],
        &["ANSIBLE_VAULT_ENCRYPT_IDENTITY"],
    ),
    used(
        "ask_vault_pass",
        &["defaults.ask_vault_pass"],
        &["ANSIBLE_ASK_VAULT_PASS"],
    ),
    Setting {
        name: "stdout_callback",
        places: &["defaults.stdout_callback"],
        variables: &["ANSIBLE_STDOUT_CALLBACK"],
        effect: Effect::Only(
            &[
                "default",
                "ansible.builtin.default",
                "minimal",
                "ansible.builtin.minimal",
                "oneline",
                "ansible.builtin.oneline",
                "yaml",
                "community.general.yaml",
                "skippy",
                "ansible.posix.skippy",
                "debug",
                "ansible.posix.debug",
                "json",
                "ansible.posix.json",
                "jsonl",
                "ansible.posix.jsonl",
            ],
            "what is printed are the lines of `default`",
        ),
    },
    used(
        "result_format",
        &[
            "defaults.callback_result_format",
            "defaults.result_format",
            "callback_default.result_format",
        ],
        &["ANSIBLE_CALLBACK_RESULT_FORMAT"],
    ),
    used(
        "format_pretty",
        &["defaults.callback_format_pretty"],
        &["ANSIBLE_CALLBACK_FORMAT_PRETTY"],
    ),
    used(
        "display_skipped_hosts",
        &[
            "defaults.display_skipped_hosts",
            "callback_default.display_skipped_hosts",
        ],
        &["ANSIBLE_DISPLAY_SKIPPED_HOSTS", "DISPLAY_SKIPPED_HOSTS"],
    ),
    used(
        "show_custom_stats",
        &[
            "defaults.show_custom_stats",
            "callback_default.show_custom_stats",
        ],
        &["ANSIBLE_SHOW_CUSTOM_STATS"],
    ),
    Setting {
        name: "async_dir",
        places: &["defaults.async_dir"],
        variables: &["ANSIBLE_ASYNC_DIR"],
        effect: Effect::Nothing,
    },
    used(
        "display_ok_hosts",
        &[
            "defaults.display_ok_hosts",
            "callback_default.display_ok_hosts",
        ],
        &["ANSIBLE_DISPLAY_OK_HOSTS"],
    ),
    used(
        "remote_user",
        &["defaults.remote_user"],
        &["ANSIBLE_REMOTE_USER"],
    ),
    used(
        "remote_port",
        &["defaults.remote_port"],
        &["ANSIBLE_REMOTE_PORT"],
    ),
    used(
        "private_key_file",
        &[
            "defaults.private_key_file",
            "ssh_connection.private_key_file",
        ],
        &["ANSIBLE_PRIVATE_KEY_FILE"],
    ),
    used(
        "timeout",
        &["defaults.timeout", "ssh_connection.timeout"],
        &["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"],
    ),
    used(
        "ssh_retries",
        &["ssh_connection.retries"],
        &["ANSIBLE_SSH_RETRIES"],
    ),
    used("transport", &["defaults.transport"], &["ANSIBLE_TRANSPORT"]),
    used("gathering", &["defaults.gathering"], &["ANSIBLE_GATHERING"]),
    used(
        "fact_caching",
        &["defaults.fact_caching"],
        &["ANSIBLE_CACHE_PLUGIN"],
    ),
    used(
        "fact_caching_connection",
        &["defaults.fact_caching_connection"],
        &["ANSIBLE_CACHE_PLUGIN_CONNECTION"],
    ),
    used(
        "fact_caching_prefix",
        &["defaults.fact_caching_prefix"],
        &["ANSIBLE_CACHE_PLUGIN_PREFIX"],
    ),
    used(
        "fact_caching_timeout",
        &["defaults.fact_caching_timeout"],
        &["ANSIBLE_CACHE_PLUGIN_TIMEOUT"],
    ),
    used("forks", &["defaults.forks"], &["ANSIBLE_FORKS"]),
    used(
        "any_errors_fatal",
        &["defaults.any_errors_fatal"],
        &["ANSIBLE_ANY_ERRORS_FATAL"],
    ),
    used(
        "error_on_missing_handler",
        &["defaults.error_on_missing_handler"],
        &["ANSIBLE_ERROR_ON_MISSING_HANDLER"],
    ),
    used(
        "display_failed_stderr",
        &[
            "defaults.display_failed_stderr",
            "callback_default.display_failed_stderr",
        ],
        &["ANSIBLE_DISPLAY_FAILED_STDERR"],
    ),
    used(
        "show_task_path_on_failure",
        &[
            "defaults.show_task_path_on_failure",
            "callback_default.show_task_path_on_failure",
        ],
        &["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"],
    ),
    used(
        "force_handlers",
        &["defaults.force_handlers"],
        &["ANSIBLE_FORCE_HANDLERS"],
    ),
    used(
        "always_show_diff",
        &["diff.always", "defaults.always_show_diff"],
        &["ANSIBLE_DIFF_ALWAYS"],
    ),
    used("verbosity", &["defaults.verbosity"], &["ANSIBLE_VERBOSITY"]),
    used("run_tags", &["tags.run"], &["ANSIBLE_RUN_TAGS"]),
    used("skip_tags", &["tags.skip"], &["ANSIBLE_SKIP_TAGS"]),
    used(
        "become",
        &["privilege_escalation.become"],
        &["ANSIBLE_BECOME"],
    ),
    used(
        "become_user",
        &["privilege_escalation.become_user"],
        &["ANSIBLE_BECOME_USER"],
    ),
    used(
        "become_method",
        &["privilege_escalation.become_method"],
        &["ANSIBLE_BECOME_METHOD"],
    ),
    used(
        "become_exe",
        &[
            "privilege_escalation.become_exe",
            "sudo_become_plugin.executable",
        ],
        &["ANSIBLE_BECOME_EXE", "ANSIBLE_SUDO_EXE"],
    ),
    used(
        "become_flags",
        &[
            "privilege_escalation.become_flags",
            "sudo_become_plugin.flags",
        ],
        &["ANSIBLE_BECOME_FLAGS", "ANSIBLE_SUDO_FLAGS"],
    ),
    used(
        "become_ask_pass",
        &[
            "privilege_escalation.become_ask_pass",
            "defaults.ask_become_pass",
        ],
        &["ANSIBLE_BECOME_ASK_PASS"],
    ),
    used(
        "become_password_file",
        &["defaults.become_password_file"],
        &["ANSIBLE_BECOME_PASSWORD_FILE"],
    ),
    used(
        "ssh_args",
        &["ssh_connection.ssh_args"],
        &["ANSIBLE_SSH_ARGS"],
    ),
    used(
        "ssh_common_args",
        &["ssh_connection.ssh_common_args"],
        &["ANSIBLE_SSH_COMMON_ARGS"],
    ),
    used(
        "ssh_extra_args",
        &["ssh_connection.ssh_extra_args"],
        &["ANSIBLE_SSH_EXTRA_ARGS"],
    ),
    used("library", &["defaults.library"], &["ANSIBLE_LIBRARY"]),
    used(
        "filter_plugins",
        &["defaults.filter_plugins"],
        &["ANSIBLE_FILTER_PLUGINS"],
    ),
    used(
        "test_plugins",
        &["defaults.test_plugins"],
        &["ANSIBLE_TEST_PLUGINS"],
    ),
    used(
        "lookup_plugins",
        &["defaults.lookup_plugins"],
        &["ANSIBLE_LOOKUP_PLUGINS"],
    ),
    used(
        "module_utils",
        &["defaults.module_utils"],
        &["ANSIBLE_MODULE_UTILS"],
    ),
    used(
        "allow_broken_conditionals",
        &["defaults.allow_broken_conditionals"],
        &["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"],
    ),
    used(
        "inventory_script_timeout",
        &["strata.inventory_script_timeout"],
        &[],
    ),
    used(
        "galaxy_server",
        &["galaxy.server"],
        &["ANSIBLE_GALAXY_SERVER"],
    ),
    used("nocolor", &["defaults.nocolor"], &["ANSIBLE_NOCOLOR"]),
    used(
        "force_color",
        &["defaults.force_color"],
        &["ANSIBLE_FORCE_COLOR"],
    ),
    Setting {
        name: "hash_behaviour",
        places: &["defaults.hash_behaviour"],
        variables: &["ANSIBLE_HASH_BEHAVIOUR"],
        effect: Effect::Only(&["replace", "merge"], "it is `replace` or `merge`"),
    },
    used(
        "private_role_vars",
        &["defaults.private_role_vars"],
        &["ANSIBLE_PRIVATE_ROLE_VARS"],
    ),
    used("ask_pass", &["defaults.ask_pass"], &["ANSIBLE_ASK_PASS"]),
    used(
        "connection_password_file",
        &["defaults.connection_password_file"],
        &["ANSIBLE_CONNECTION_PASSWORD_FILE"],
    ),
    Setting {
        name: "retry_files_enabled",
        places: &["defaults.retry_files_enabled"],
        variables: &["ANSIBLE_RETRY_FILES_ENABLED"],
        effect: Effect::Only(
            NO,
            "there are no retry files; use `--limit` with the names of the hosts",
        ),
    },
    Setting {
        name: "vars_plugins_enabled",
        places: &["defaults.vars_plugins_enabled"],
        variables: &["ANSIBLE_VARS_ENABLED"],
        effect: Effect::Words(
            &[
                "host_group_vars",
                "ansible.builtin.host_group_vars",
                "community.sops.sops",
            ],
            "vars plugins are Python",
        ),
    },
    used(
        "sops_binary",
        &["community.sops.sops_binary"],
        &["ANSIBLE_SOPS_BINARY"],
    ),
    used(
        "sops_config_path",
        &["community.sops.config_path"],
        &["ANSIBLE_SOPS_CONFIG_PATH"],
    ),
    used("sops_age_key", &[], &["ANSIBLE_SOPS_AGE_KEY"]),
    used(
        "sops_age_keyfile",
        &["community.sops.age_keyfile"],
        &["ANSIBLE_SOPS_AGE_KEYFILE"],
    ),
    // Each file is decrypted once in a run.
    nothing(
        "sops_vars_stage",
        &["community.sops.vars_stage"],
        &["ANSIBLE_VARS_SOPS_PLUGIN_STAGE"],
    ),
    nothing(
        "sops_vars_cache",
        &["community.sops.vars_cache"],
        &["ANSIBLE_VARS_SOPS_PLUGIN_CACHE"],
    ),
    // A plugin is known by the inventory that names it.
    nothing(
        "inventory_enabled",
        &["inventory.enable_plugins"],
        &["ANSIBLE_INVENTORY_ENABLED"],
    ),
    Setting {
        name: "callbacks_enabled",
        places: &[
            "defaults.callbacks_enabled",
            "defaults.callback_whitelist",
            "defaults.callback_enabled",
        ],
        variables: &["ANSIBLE_CALLBACKS_ENABLED", "ANSIBLE_CALLBACK_WHITELIST"],
        effect: Effect::Words(
            &[
                "timer",
                "ansible.posix.timer",
                "profile_tasks",
                "ansible.posix.profile_tasks",
                "profile_roles",
                "ansible.posix.profile_roles",
            ],
            "other callback plugins are Python",
        ),
    },
    Setting {
        name: "strategy",
        places: &["defaults.strategy"],
        variables: &["ANSIBLE_STRATEGY"],
        effect: Effect::Only(&["linear", "mitogen_linear"], "say `strategy` in the play"),
    },
    used(
        "display_args_to_stdout",
        &["defaults.display_args_to_stdout"],
        &["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"],
    ),
    used(
        "check_mode_markers",
        &[
            "defaults.check_mode_markers",
            "callback_default.check_mode_markers",
        ],
        &["ANSIBLE_CHECK_MODE_MARKERS"],
    ),
    used("no_log", &["defaults.no_log"], &["ANSIBLE_NO_LOG"]),
    used(
        "task_timeout",
        &["defaults.task_timeout"],
        &["ANSIBLE_TASK_TIMEOUT"],
    ),
    used("diff_context", &["diff.context"], &["ANSIBLE_DIFF_CONTEXT"]),
    used("log_path", &["defaults.log_path"], &["ANSIBLE_LOG_PATH"]),
    used(
        "profile_tasks_limit",
        &["callback_profile_tasks.task_output_limit"],
        &["PROFILE_TASKS_TASK_OUTPUT_LIMIT"],
    ),
    used(
        "profile_tasks_order",
        &["callback_profile_tasks.sort_order"],
        &["PROFILE_TASKS_SORT_ORDER"],
    ),
    used(
        "profile_tasks_summary_only",
        &["callback_profile_tasks.summary_only"],
        &["PROFILE_TASKS_SUMMARY_ONLY"],
    ),
    used(
        "profile_roles_summary_only",
        &["callback_profile_roles.summary_only"],
        &["PROFILE_ROLES_SUMMARY_ONLY"],
    ),
    used(
        "enable_task_debugger",
        &["defaults.enable_task_debugger"],
        &["ANSIBLE_ENABLE_TASK_DEBUGGER"],
    ),
    used(
        "inject_facts_as_vars",
        &["defaults.inject_facts_as_vars"],
        &["ANSIBLE_INJECT_FACT_VARS"],
    ),
    Setting {
        name: "error_on_undefined_vars",
        places: &["defaults.error_on_undefined_vars"],
        variables: &["ANSIBLE_ERROR_ON_UNDEFINED_VARS"],
        effect: Effect::Only(
            &["true", "yes", "on", "1"],
            "an undefined variable is always a mistake",
        ),
    },
    Setting {
        name: "jinja2_native",
        places: &["defaults.jinja2_native"],
        variables: &["ANSIBLE_JINJA2_NATIVE"],
        effect: Effect::Only(
            &["true", "yes", "on", "1"],
            "templates keep native types, as in ansible-core 2.19",
        ),
    },
    // Nothing is copied to hosts and run there by Python, so nothing of that can be tuned.
    nothing(
        "pipelining",
        &[
            "ssh_connection.pipelining",
            "defaults.pipelining",
            "connection.pipelining",
        ],
        &["ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING"],
    ),
    nothing(
        "interpreter_python",
        &["defaults.interpreter_python"],
        &["ANSIBLE_PYTHON_INTERPRETER"],
    ),
    nothing(
        "remote_tmp",
        &["defaults.remote_tmp"],
        &["ANSIBLE_REMOTE_TMP", "ANSIBLE_REMOTE_TEMP"],
    ),
    nothing(
        "local_tmp",
        &["defaults.local_tmp"],
        &["ANSIBLE_LOCAL_TEMP"],
    ),
    nothing(
        "scp_if_ssh",
        &["ssh_connection.scp_if_ssh"],
        &["ANSIBLE_SCP_IF_SSH"],
    ),
    nothing(
        "transfer_method",
        &[
            "ssh_connection.transfer_method",
            "ssh_connection.ssh_transfer_method",
        ],
        &["ANSIBLE_SSH_TRANSFER_METHOD"],
    ),
    nothing(
        "control_path",
        &[
            "ssh_connection.control_path",
            "ssh_connection.control_path_dir",
        ],
        &["ANSIBLE_SSH_CONTROL_PATH", "ANSIBLE_SSH_CONTROL_PATH_DIR"],
    ),
    nothing(
        "module_compression",
        &["defaults.module_compression"],
        &["ANSIBLE_MODULE_COMPRESSION"],
    ),
    nothing(
        "poll_interval",
        &["defaults.poll_interval", "defaults.internal_poll_interval"],
        &["ANSIBLE_POLL_INTERVAL"],
    ),
    nothing(
        "allow_world_readable_tmpfiles",
        &["defaults.allow_world_readable_tmpfiles"],
        &[],
    ),
    // Cows, and warnings that are not there.
    nothing(
        "nocows",
        &[
            "defaults.nocows",
            "defaults.cow_selection",
            "defaults.cowpath",
            "defaults.cow_whitelist",
        ],
        &["ANSIBLE_NOCOWS", "ANSIBLE_COW_SELECTION"],
    ),
    nothing(
        "deprecation_warnings",
        &["defaults.deprecation_warnings"],
        &["ANSIBLE_DEPRECATION_WARNINGS"],
    ),
    nothing(
        "system_warnings",
        &["defaults.system_warnings", "defaults.command_warnings"],
        &["ANSIBLE_SYSTEM_WARNINGS"],
    ),
    nothing(
        "devel_warning",
        &["defaults.devel_warning"],
        &["ANSIBLE_DEVEL_WARNING"],
    ),
    nothing(
        "localhost_warning",
        &["defaults.localhost_warning"],
        &["ANSIBLE_LOCALHOST_WARNING"],
    ),
    nothing(
        "force_valid_group_names",
        &["defaults.force_valid_group_names"],
        &["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"],
    ),
    nothing(
        "retry_files_save_path",
        &["defaults.retry_files_save_path"],
        &["ANSIBLE_RETRY_FILES_SAVE_PATH"],
    ),
    nothing(
        "bin_ansible_callbacks",
        &["defaults.bin_ansible_callbacks"],
        &["ANSIBLE_LOAD_CALLBACK_PLUGINS"],
    ),
    nothing(
        "record_host_keys",
        &[
            "paramiko_connection.record_host_keys",
            "libssh_connection.host_key_auto_add",
            "paramiko_connection.host_key_auto_add",
        ],
        &[],
    ),
    used("ansible_managed", &["defaults.ansible_managed"], &[]),
];

/// Variables of Ansible's own that are no settings.
pub(super) const OTHER_VARIABLES: &[&str] =
    &["ANSIBLE_CONFIG", "ANSIBLE_HOME", "ANSIBLE_VAULT_PASSWORD"];
