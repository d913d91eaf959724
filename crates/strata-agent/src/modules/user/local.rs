//! Accounts by the tools of libuser (`luseradd`, `lgroupmod`, …), which know only this machine's own files.

use super::super::programs::{self, plain};
use crate::arguments::Arguments;
use crate::change::Change;
use crate::module::ModuleError;
use crate::system::{AccountChange, UserOptions};

/// Refuses arguments for which these tools have no words.
pub(super) fn refuse_what_it_cannot(arguments: &Arguments) -> Result<(), ModuleError> {
    let names = ["umask", "uid_min", "uid_max"];
    let given = names.iter().find(|name| arguments.raw(name).is_some());
    match given.filter(|_| arguments.bool("local")) {
        Some(name) => {
            let msg = format!("'{name}' can not be used with 'local'");
            Err(ModuleError::new(msg))
        }
        None => Ok(()),
    }
}

/// The runs that make a change; `expires` is a day since 1970, or below zero for never.
pub(in crate::modules) fn changes(
    change: AccountChange,
    groups: &[String],
    expires: Option<i64>,
) -> Vec<Change> {
    let run = |words: Vec<String>| programs::change(plain(words));
    match change {
        AccountChange::CreateUser { name, options } => {
            let mut words = vec!["luseradd".to_owned()];
            words.extend(common(&options));
            words.extend(option("-d", options.home.clone()));
            words.extend(option("-k", options.skeleton.clone()));
            words.extend((!options.create_home).then(|| "-M".to_owned()));
            words.extend(options.system.then(|| "-r".to_owned()));
            words.push(name.clone());
            let more = [
                memberships(&name, &options, &[]),
                expiry(&name, &options, expires),
            ];
            let more = more.concat().into_iter();
            std::iter::once(words).chain(more).map(run).collect()
        }
        AccountChange::ModifyUser { name, options } => {
            let mut words = vec!["lusermod".to_owned()];
            words.extend(common(&options));
            words.extend(option("-d", options.home.clone()));
            words.extend(options.move_home.then(|| "-m".to_owned()));
            let is_due = words.len() > 1;
            words.push(name.clone());
            let more = [
                memberships(&name, &options, groups),
                expiry(&name, &options, expires),
            ];
            let first = is_due.then_some(words);
            first.into_iter().chain(more.concat()).map(run).collect()
        }
        AccountChange::RemoveUser {
            name, remove_home, ..
        } => {
            let home = remove_home.then(|| "-r".to_owned());
            let words = std::iter::once("luserdel".to_owned()).chain(home);
            vec![run(words.chain([name]).collect())]
        }
        AccountChange::CreateGroup {
            name, gid, system, ..
        } => {
            let mut words = vec!["lgroupadd".to_owned()];
            words.extend(option("-g", gid.map(|gid| gid.to_string())));
            words.extend(system.then(|| "-r".to_owned()));
            words.push(name);
            vec![run(words)]
        }
        AccountChange::ModifyGroup { name, gid, .. } => {
            let gid = gid.to_string();
            vec![run(["lgroupmod", "-g", &gid, &name]
                .map(str::to_owned)
                .to_vec())]
        }
        AccountChange::RemoveGroup { name, .. } => {
            vec![run(["lgroupdel", &name].map(str::to_owned).to_vec())]
        }
        // A hash in the words of a program would be for every user to see.
        change @ AccountChange::SetPassword { .. } => vec![Change::Account(change)],
    }
}

fn option(name: &str, value: Option<String>) -> impl Iterator<Item = String> {
    let words = value.map(|value| [name.to_owned(), value]);
    words.into_iter().flatten()
}

fn common(options: &UserOptions) -> Vec<String> {
    let mut words = Vec::new();
    words.extend(option("-u", options.uid.map(|uid| uid.to_string())));
    words.extend(option("-g", options.group.clone()));
    words.extend(option("-c", options.comment.clone()));
    words.extend(option("-s", options.shell.clone()));
    words
}

/// These tools change memberships from the group's side, one a run.
fn memberships(name: &str, options: &UserOptions, current: &[String]) -> Vec<Vec<String>> {
    let wanted = options.groups.as_deref().unwrap_or_default();
    let words =
        |flag: &str, group: &String| ["lgroupmod", flag, name, group].map(str::to_owned).to_vec();
    let added = wanted.iter().filter(|group| !current.contains(group));
    let replaces = options.groups.is_some() && !options.append;
    let gone = current
        .iter()
        .filter(|group| replaces && !wanted.contains(group));
    let added: Vec<Vec<String>> = added.map(|group| words("-M", group)).collect();
    added
        .into_iter()
        .chain(gone.map(|group| words("-m", group)))
        .collect()
}

fn expiry(name: &str, options: &UserOptions, expires: Option<i64>) -> Vec<Vec<String>> {
    let day = expires.filter(|_| options.expires.is_some());
    let words = day.map(|day| {
        ["lchage", "-E", &day.to_string(), name]
            .map(str::to_owned)
            .to_vec()
    });
    words.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: AccountChange, groups: &[&str], expected: &str) {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let lines = changes(change, &groups, Some(20))
            .into_iter()
            .map(|change| match change {
                Change::Run { command, .. } => command.argv.join(" "),
                _ => "?".to_owned(),
            });
        assert_eq!(lines.collect::<Vec<_>>().join("; "), expected);
    }

    #[test]
    fn one_change_may_take_several_runs() {
        let name = || "me".to_owned();
        let options = UserOptions {
            shell: Some("/bin/sh".to_owned()),
            groups: Some(vec!["adm".to_owned()]),
            expires: Some("1970-01-21".to_owned()),
            ..UserOptions::default()
        };
        let create = AccountChange::CreateUser {
            name: name(),
            options: options.clone(),
        };
        check(
            create,
            &[],
            "luseradd -s /bin/sh -M me; lgroupmod -M me adm; lchage -E 20 me",
        );
        let groups_alone = UserOptions {
            shell: None,
            expires: None,
            ..options
        };
        let modify = AccountChange::ModifyUser {
            name: name(),
            options: groups_alone,
        };
        check(modify, &["old"], "lgroupmod -M me adm; lgroupmod -m me old");
    }
}
