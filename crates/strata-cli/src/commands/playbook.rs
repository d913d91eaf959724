//! `playbook`, `run` and `inventory`, as `ansible-playbook`, `ansible` and `ansible-inventory`.

use std::{
    io::{IsTerminal, stdin},
    sync::Arc,
};

use anstream::print;
use strata_core::{Diagnostic, Diagnostics};
use strata_ops::{
    adhoc,
    playbook::{
        self, Around, Listing, Options,
        inventory::{self, Wanted},
        settings::Settings,
    },
    process::Process,
    registry::Platforms,
    stop::Stop,
    vault::Sources,
};

use super::{AnsibleScreen, Callback, Exit, Look, block_on, process, screen, signals::stoppable};
use crate::{
    args,
    render::{
        Printer,
        ansible::Manner,
        ansible_profile::{Order, Profile},
        style::tame,
    },
    terminal,
};

/// What is written wrongly, as `ansible-playbook` has it.
const UNREADABLE: Exit = 4;

/// What is not there.
const ABSENT: Exit = 1;

/// What was stopped by a signal.
const INTERRUPTED: Exit = 99;

/// A host or group that the inventory does not have.
const UNKNOWN: Exit = 5;

/// `playbook`.
pub(super) fn run(arguments: &args::Playbook) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let options = options(arguments);
    let asker = terminal::ask();
    let listing = Listing {
        hosts: arguments.hosts.list_hosts,
        tasks: arguments.list_tasks,
        tags: arguments.list_tags,
    };
    if arguments.syntax_check {
        let checked =
            playbook::syntax_check(&arguments.playbooks, &options, &process, Some(&asker));
        match checked {
            Ok(warnings) => super::complain(&warnings),
            Err(diags) => return Ok(refused(&diags)),
        }
        for path in &arguments.playbooks {
            print!("\nplaybook: {}\n", path.display());
        }
        return Ok(0);
    }
    if listing != Listing::default() {
        let listed = playbook::list(
            &arguments.playbooks,
            &options,
            listing,
            &process,
            Some(&asker),
        );
        let (text, warnings) = match listed {
            Ok(listed) => listed,
            Err(diags) => return Ok(refused(&diags)),
        };
        super::complain(&warnings);
        print!("{text}");
        return Ok(0);
    }
    let look = if arguments.json {
        Look::Json
    } else {
        Look::Ansible(look(arguments.hosts.verbose, &process))
    };
    let screen = screen(&look);
    let platforms = Platforms::real(&process);
    let stop = Stop::new();
    let around = Around {
        process: &process,
        platforms: &platforms,
        stop: &stop.signal(),
        ask: Some(below(screen.printer(), asker)),
    };
    let events = screen.events();
    let work = playbook::run(&arguments.playbooks, &options, &around, &events);
    let done = block_on(stoppable(&stop, &screen.printer(), work))?;
    drop(screen);
    match done {
        Ok(recaps) => {
            // The user may have quit by the debugger of tasks, too.
            if stop.is_soft() || recaps.iter().any(|recap| recap.stopped) {
                return Ok(interrupted(stop.is_hard()));
            }
            Ok(recaps
                .iter()
                .map(|recap| recap.exit_code())
                .max()
                .unwrap_or(0))
        }
        Err(diags) => Ok(refused(&diags)),
    }
}

/// Asks below what was printed: a question shall not stand above the results that came before it.
fn below(printer: Printer, ask: Arc<terminal::Ask>) -> Arc<terminal::Ask> {
    Arc::new(move |question, hidden| {
        printer.print(String::new());
        ask(question, hidden)
    })
}

/// Says what is wrong; gives Ansible's exit code for the first mistake.
fn refused(diags: &Diagnostics) -> Exit {
    super::complain(diags);
    let first = diags.iter().find(|found| found.is_error());
    let absent = |found: &Diagnostic| {
        matches!(
            found.code,
            "missing-role"
                | "missing-file"
                | "unreadable-file"
                | "removed-module"
                | "vault-password"
                | "limit-file"
                | "no-hosts-left"
        )
    };
    match first.is_some_and(|found| absent(found) && !is_locked(found)) {
        true => ABSENT,
        false => UNREADABLE,
    }
}

/// Whether a file is there, but encrypted with another password, or nobody gave one.
fn is_locked(found: &Diagnostic) -> bool {
    let said = &found.summary;
    said.contains("Attempting to decrypt") || said.contains("Decryption failed")
}

/// Says that the run is not whole; gives Ansible's exit code for that.
fn interrupted(at_once: bool) -> Exit {
    let found = Diagnostic::error("interrupted", "User interrupted execution");
    let found = found.detail(match at_once {
        true => {
            "What was under way was broken off; it and the tasks after it are still to be done."
        }
        false => "What was under way was finished; the tasks after it were not begun.",
    });
    let found = found.hint("Go on from there with `--resume`, or run it again.");
    super::complain(&found.into());
    INTERRUPTED
}

/// `run`.
pub(super) fn adhoc(arguments: &args::Adhoc) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let options = shared(&arguments.hosts);
    let task = adhoc::Task {
        pattern: arguments.pattern.clone(),
        module: arguments.module.clone(),
        arguments: arguments.arguments.clone(),
        background: arguments.background,
        poll: arguments.poll,
        timeout: arguments.task_timeout,
    };
    let platforms = Platforms::real(&process);
    let stop = Stop::new();
    let around = Around {
        process: &process,
        platforms: &platforms,
        stop: &stop.signal(),
        ask: Some(terminal::ask()),
    };
    if arguments.hosts.list_hosts {
        let hosts = adhoc::hosts(&task, &options, &around)?;
        print!("  hosts ({}):\n", hosts.len());
        hosts.iter().for_each(|host| print!("    {host}\n"));
        return Ok(0);
    }
    let look = if arguments.json {
        Look::Json
    } else {
        Look::Ansible(AnsibleScreen {
            callback: match arguments.one_line {
                true => Callback::OneLine,
                false => Callback::Minimal,
            },
            // Ansible asks no other callback here unless it is told to.
            profiles: Vec::new(),
            ..look(arguments.hosts.verbose, &process)
        })
    };
    let screen = screen(&look);
    let events = screen.events();
    let work = adhoc::run(&task, &options, &around, &events);
    let done = block_on(stoppable(&stop, &screen.printer(), work))?;
    drop(screen);
    done.map(|recap| recap.exit_code())
}

/// What is shown and how, by the settings.
fn look(verbosity: u8, process: &Process) -> AnsibleScreen {
    // What is wrong in the settings is said by the operation.
    let settings = Settings::read(&strata_ops::files::Disk, process, &mut Diagnostics::new());
    let said = settings
        .number("verbosity", &mut Diagnostics::new())
        .unwrap_or(0);
    let callback = settings.text("stdout_callback").unwrap_or_default();
    let yaml =
        callback.ends_with("yaml") || settings.text("result_format").as_deref() == Some("yaml");
    let short = ["ansible.builtin.", "ansible.posix."]
        .into_iter()
        .find_map(|home| callback.strip_prefix(home))
        .unwrap_or(&callback);
    let manner = Manner {
        verbosity: verbosity.max(said.min(5) as u8),
        yaml,
        texts_apart: short == "debug",
        skipped_hosts: settings
            .flag("display_skipped_hosts")
            .unwrap_or(short != "skippy"),
        ok_hosts: settings.flag("display_ok_hosts").unwrap_or(true),
        failed_stderr: settings.flag("display_failed_stderr").unwrap_or(false),
        failed_path: settings.flag("show_task_path_on_failure").unwrap_or(false),
        statistics: settings.flag("show_custom_stats").unwrap_or(false),
        check_markers: settings.flag("check_mode_markers").unwrap_or(false),
        context: settings
            .number("diff_context", &mut Diagnostics::new())
            .map_or(3, |lines| lines as usize),
    };
    AnsibleScreen {
        callback: match short {
            "minimal" => Callback::Minimal,
            "oneline" => Callback::OneLine,
            "json" => Callback::Json,
            "jsonl" => Callback::JsonLines,
            _ => Callback::Default,
        },
        manner,
        profiles: profiles(&settings),
        log: settings.path("log_path"),
    }
}

/// What is told of how long things took.
fn profiles(settings: &Settings) -> Vec<Profile> {
    let flag = |name: &str| settings.flag(name).unwrap_or(false);
    let names = settings.list("callbacks_enabled");
    let known = names.iter().filter_map(|name| {
        Some(match name.strip_prefix("ansible.posix.").unwrap_or(name) {
            "timer" => Profile::Timer,
            "profile_roles" => Profile::Roles {
                summary_only: flag("profile_roles_summary_only"),
            },
            "profile_tasks" => Profile::Tasks {
                limit: match settings.text("profile_tasks_limit").as_deref() {
                    Some("all") => None,
                    Some(number) => number.parse().ok().or(Some(20)),
                    None => Some(20),
                },
                order: match settings.text("profile_tasks_order").as_deref() {
                    Some("ascending") => Order::Ascending,
                    Some("none") => Order::Given,
                    _ => Order::Descending,
                },
                summary_only: flag("profile_tasks_summary_only"),
            },
            _ => return None,
        })
    });
    known.collect()
}

fn options(arguments: &args::Playbook) -> Options {
    Options {
        tags: arguments.tags.clone(),
        skip_tags: arguments.skip_tags.clone(),
        start_at_task: arguments.start_at_task.clone(),
        resume: arguments.resume,
        step: arguments.step,
        force_handlers: arguments.force_handlers,
        flush_cache: arguments.flush_cache,
        ..shared(&arguments.hosts)
    }
}

fn shared(arguments: &args::Hosts) -> Options {
    Options {
        inventory: arguments.inventory.clone(),
        limit: arguments.limit.clone(),
        extra_vars: arguments.extra_vars.clone(),
        check: arguments.check,
        diff: arguments.diff,
        forks: arguments.forks.map(usize::from),
        become_enabled: arguments.become_,
        become_user: arguments.become_user.clone(),
        become_method: arguments.become_method.clone(),
        ask_become_pass: arguments.ask_become_pass,
        become_password_file: arguments.become_password_file.clone(),
        ask_pass: arguments.ask_pass,
        connection_password_file: arguments.connection_password_file.clone(),
        remote_user: arguments.remote_user.clone(),
        private_key: arguments.private_key.clone(),
        connection: arguments.connection.clone(),
        timeout: arguments.timeout,
        ssh_common_args: arguments.ssh_common_args.clone(),
        ssh_extra_args: arguments.ssh_extra_args.clone(),
        vault: sources(&arguments.passwords),
        verbosity: arguments.verbose,
        ..Options::default()
    }
}

/// Where vault passwords come from.
pub(super) fn sources(passwords: &args::Passwords) -> Sources {
    Sources {
        ids: passwords.ids.clone(),
        files: passwords.files.clone(),
        ask: passwords.ask,
    }
}

/// Says why an inventory is not shown; gives the exit code of `ansible-inventory` for the first mistake.
fn unlisted(diags: &Diagnostics) -> Exit {
    super::complain(diags);
    match diags.iter().find(|found| found.is_error()) {
        Some(found) if matches!(found.code, "unknown-host" | "unknown-group") => UNKNOWN,
        Some(found)
            if found.code.starts_with("yaml")
                || found.code == "unreadable-file"
                || is_locked(found) =>
        {
            UNREADABLE
        }
        _ => ABSENT,
    }
}

/// `inventory`.
pub(super) fn inventory(arguments: &args::Inventory) -> Result<Exit, Diagnostics> {
    let process = process()?;
    let options = Options {
        inventory: arguments.inventory.clone(),
        limit: arguments.limit.clone(),
        vault: sources(&arguments.passwords),
        ..Options::default()
    };
    let wanted = match &arguments.host {
        Some(name) => Wanted::Host {
            name: name.clone(),
            yaml: arguments.yaml,
        },
        None if arguments.graph => Wanted::Graph {
            group: arguments.group.clone(),
            vars: arguments.vars,
        },
        None => Wanted::List {
            yaml: arguments.yaml,
            export: arguments.export,
        },
    };
    let asker = stdin().is_terminal().then(terminal::ask);
    let (text, warnings) = match inventory::show(&options, &wanted, &process, asker.as_ref()) {
        Ok(shown) => shown,
        Err(diags) => return Ok(unlisted(&diags)),
    };
    super::complain(&warnings);
    match &arguments.output {
        Some(path) => std::fs::write(path, text).map_err(|error| {
            let message = format!("`{}` cannot be written", path.display());
            Diagnostics::from(Diagnostic::error("file", message).detail(error.to_string()))
        })?,
        None => print!("{}", tame(&text)),
    }
    Ok(0)
}
