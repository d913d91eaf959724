//! Users and groups of the real machine, changed with the tools of `passwd`.

use super::{Local, busybox};
use crate::host::{Host, HostError};
use crate::system::{AccountChange, Command, Output, UserOptions};

/// Asks the name service switch, which also knows directories; empty when it knows nothing.
pub(super) fn getent(host: &Local, database: &str, name: &str) -> Result<String, HostError> {
    match host.run_plain(["getent", database, name].map(str::to_owned).to_vec()) {
        Ok(output) => Ok(output.stdout),
        Err(HostError::NoProgram(_)) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

pub(super) fn change(host: &Local, change: &AccountChange) -> Result<Output, HostError> {
    match change {
        // The hash goes over standard input: arguments are for every user to see.
        AccountChange::SetPassword { name, hash } => host.run(&Command {
            stdin: Some(format!("{name}:{hash}\n")),
            ..Command::new(["chpasswd", "-e"])
        }),
        change => {
            let words = arguments(change);
            match words
                .first()
                .is_some_and(|tool| busybox::is_for(host, tool))
            {
                true => busybox::change(host, change),
                false => host.run_plain(words),
            }
        }
    }
}

fn arguments(change: &AccountChange) -> Vec<String> {
    let (program, mut options, name) = match change {
        AccountChange::CreateUser { name, options } => ("useradd", create_options(options), name),
        AccountChange::ModifyUser { name, options } => ("usermod", modify_options(options), name),
        AccountChange::RemoveUser {
            name,
            remove_home,
            force,
        } => (
            "userdel",
            flags(&[(*force, "-f"), (*remove_home, "-r")]),
            name,
        ),
        AccountChange::CreateGroup {
            name,
            gid,
            system,
            more,
        } => {
            let mut options = flags(&[(*system, "-r")]);
            push(&mut options, "-g", gid.map(|gid| gid.to_string()));
            options.extend(more.iter().cloned());
            ("groupadd", options, name)
        }
        AccountChange::ModifyGroup { name, gid, more } => {
            let mut options = vec!["-g".to_owned(), gid.to_string()];
            options.extend(more.iter().cloned());
            ("groupmod", options, name)
        }
        AccountChange::RemoveGroup { name, force } => ("groupdel", flags(&[(*force, "-f")]), name),
        AccountChange::SetPassword { name, .. } => ("chpasswd", Vec::new(), name),
    };
    options.insert(0, program.to_owned());
    options.push(name.clone());
    options
}

fn create_options(options: &UserOptions) -> Vec<String> {
    let mut arguments = common_options(options);
    push(
        &mut arguments,
        "-G",
        options.groups.as_ref().map(|groups| groups.join(",")),
    );
    push(&mut arguments, "-d", options.home.clone());
    push(
        &mut arguments,
        "-k",
        options.skeleton.clone().filter(|_| options.create_home),
    );
    arguments.push(if options.create_home { "-m" } else { "-M" }.to_owned());
    arguments.extend(flags(&[(options.system, "-r")]));
    arguments.extend(options.more.iter().cloned());
    arguments
}

fn modify_options(options: &UserOptions) -> Vec<String> {
    let mut arguments = common_options(options);
    if let Some(groups) = &options.groups {
        arguments.extend(flags(&[(options.append, "-a")]));
        push(&mut arguments, "-G", Some(groups.join(",")));
    }
    push(&mut arguments, "-d", options.home.clone());
    arguments.extend(flags(&[(options.move_home, "-m")]));
    arguments
}

fn common_options(options: &UserOptions) -> Vec<String> {
    let mut arguments = Vec::new();
    push(&mut arguments, "-u", options.uid.map(|uid| uid.to_string()));
    arguments.extend(flags(&[(
        options.non_unique && options.uid.is_some(),
        "-o",
    )]));
    push(&mut arguments, "-g", options.group.clone());
    push(&mut arguments, "-c", options.comment.clone());
    push(&mut arguments, "-s", options.shell.clone());
    push(&mut arguments, "-e", options.expires.clone());
    push(&mut arguments, "-Z", options.seuser.clone());
    arguments
}

fn push(arguments: &mut Vec<String>, option: &str, value: Option<String>) {
    if let Some(value) = value {
        arguments.extend([option.to_owned(), value]);
    }
}

fn flags(wanted: &[(bool, &str)]) -> Vec<String> {
    wanted
        .iter()
        .filter(|(wanted, _)| *wanted)
        .map(|(_, flag)| (*flag).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_become_the_tools_arguments() {
        let check = |change: AccountChange, expected: &str| {
            assert_eq!(arguments(&change).join(" "), expected);
        };
        let options = UserOptions {
            groups: Some(vec!["adm".to_owned(), "docker".to_owned()]),
            append: true,
            shell: Some("/bin/sh".to_owned()),
            create_home: true,
            ..UserOptions::default()
        };
        let name = || "me".to_owned();
        check(
            AccountChange::CreateUser {
                name: name(),
                options: options.clone(),
            },
            "useradd -s /bin/sh -G adm,docker -m me",
        );
        check(
            AccountChange::ModifyUser {
                name: name(),
                options,
            },
            "usermod -s /bin/sh -a -G adm,docker me",
        );
        check(
            AccountChange::CreateGroup {
                name: name(),
                gid: Some(7),
                system: true,
                more: Vec::new(),
            },
            "groupadd -r -g 7 me",
        );
        check(
            AccountChange::RemoveUser {
                name: name(),
                remove_home: true,
                force: false,
            },
            "userdel -r me",
        );
    }
}
