//! Users and groups where the tools of `passwd` are not there, as on Alpine: by BusyBox.
//!
//! BusyBox makes and removes them (`adduser`, `deluser`, `addgroup`, `delgroup`), but changes none: that is done in the files
//! themselves, as `usermod` and `groupmod` would. The class `Alpine` of ansible-core 2.19 changes only groups and passwords.

use std::path::Path;

use super::Local;
use crate::host::{Host, HostError, Permissions};
use crate::system::{AccountChange, Group, Output, User, UserOptions};

const PASSWD: &str = "/etc/passwd";
const SHADOW: &str = "/etc/shadow";
const GROUP: &str = "/etc/group";

/// Whether a change is for BusyBox, as the tool that would make it otherwise is not there.
pub(super) fn is_for(host: &Local, tool: &str) -> bool {
    host.find_program(tool).is_none() && host.find_program("adduser").is_some()
}

pub(super) fn change(host: &Local, change: &AccountChange) -> Result<Output, HostError> {
    match change {
        AccountChange::CreateUser { name, options } => create_user(host, name, options),
        AccountChange::ModifyUser { name, options } => modify_user(host, name, options),
        AccountChange::ModifyGroup { name, gid, more } => modify_group(host, name, *gid, more),
        AccountChange::RemoveUser {
            name, remove_home, ..
        } => {
            let home = remove_home.then_some("--remove-home");
            let words = ["deluser", name].into_iter().chain(home);
            run_all(host, vec![owned(words)])
        }
        AccountChange::CreateGroup {
            name,
            gid,
            system,
            more,
        } => run_all(host, vec![group_words(name, *gid, *system, more)]),
        AccountChange::RemoveGroup { name, .. } => run_all(host, vec![owned(["delgroup", name])]),
        AccountChange::SetPassword { .. } => Err(HostError::NoProgram("chpasswd".to_owned())),
    }
}

fn owned<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

/// Runs one after the other, up to the first that fails.
fn run_all(host: &Local, runs: Vec<Vec<String>>) -> Result<Output, HostError> {
    let mut last = Output::success("");
    for words in runs {
        last = host.run_plain(words)?;
        if last.status != 0 {
            break;
        }
    }
    Ok(last)
}

fn refuse_what_it_cannot(options: &UserOptions) -> Result<(), HostError> {
    match &options.seuser {
        None => Ok(()),
        Some(_) => Err(HostError::Other(
            "the argument `seuser` is not supported by Strata where there is no `useradd`"
                .to_owned(),
        )),
    }
}

fn create_user(host: &Local, name: &str, options: &UserOptions) -> Result<Output, HostError> {
    refuse_what_it_cannot(options)?;
    if let Some(refusal) = misplaced(options) {
        return Ok(refusal);
    }
    let named = UserOptions {
        group: match &options.group {
            Some(asked) => Some(name_of(asked, &host.groups()?)),
            None => None,
        },
        ..options.clone()
    };
    let made = run_all(host, create_words(name, &named))?;
    if let (0, Some(day)) = (made.status, &options.expires) {
        set_expiry(host, name, day)?;
    }
    Ok(made)
}

fn create_words(name: &str, options: &UserOptions) -> Vec<Vec<String>> {
    let mut words = owned(["adduser", "-D"]);
    let skeleton = options.skeleton.clone().filter(|_| options.create_home);
    for (flag, value) in [
        ("-u", options.uid.map(|uid| uid.to_string())),
        ("-G", options.group.clone()),
        ("-g", options.comment.clone()),
        ("-h", options.home.clone()),
        ("-s", options.shell.clone()),
        ("-k", skeleton),
    ] {
        if let Some(value) = value {
            words.extend([flag.to_owned(), value]);
        }
    }
    words.extend((!options.create_home).then(|| "-H".to_owned()));
    words.extend(options.system.then(|| "-S".to_owned()));
    words.extend(options.more.iter().cloned());
    words.push(name.to_owned());
    // The first group needs no membership.
    let groups = options.groups.iter().flatten();
    let joins = groups
        .filter(|group| options.group.as_ref() != Some(group))
        .map(|group| owned(["adduser", name, group]));
    std::iter::once(words).chain(joins).collect()
}

fn group_words(name: &str, gid: Option<u32>, system: bool, more: &[String]) -> Vec<String> {
    let mut words = owned(["addgroup"]);
    if let Some(gid) = gid {
        words.extend(["-g".to_owned(), gid.to_string()]);
    }
    words.extend(system.then(|| "-S".to_owned()));
    words.extend(more.iter().cloned());
    words.push(name.to_owned());
    words
}

fn modify_user(host: &Local, name: &str, options: &UserOptions) -> Result<Output, HostError> {
    refuse_what_it_cannot(options)?;
    if let Some(refusal) = misplaced(options) {
        return Ok(refusal);
    }
    let users = host.users()?;
    let Some(user) = users.iter().find(|user| user.name == name) else {
        return Ok(refused(6, format!("user '{name}' does not exist")));
    };
    let taken = |uid: &u32| users.iter().any(|other| other.uid == *uid);
    if let Some(uid) = options.uid.filter(|uid| !options.non_unique && taken(uid)) {
        return Ok(refused(4, format!("UID '{uid}' already exists")));
    }
    let groups = host.groups()?;
    let gid = options.group.as_ref().and_then(|asked| {
        let mut found = groups.iter();
        found.find(|group| group.name == *asked || group.gid.to_string() == *asked)
    });
    let gid = gid.map(|group| group.gid);
    edit(host, PASSWD, name, |fields| {
        set_fields(fields, options, gid)
    })?;
    if let Some(day) = &options.expires {
        set_expiry(host, name, day)?;
    }
    let mut runs = moves(host, user, options)?;
    let current = groups
        .iter()
        .filter(|group| group.members.iter().any(|member| member == name));
    let current: Vec<&str> = current.map(|group| group.name.as_str()).collect();
    let gid = gid.unwrap_or(user.gid);
    let primary = groups.iter().find(|group| group.gid == gid);
    let primary = primary.map_or("", |group| group.name.as_str());
    runs.extend(membership_words(name, options, &current, primary));
    run_all(host, runs)
}

/// The name of a group that may be given as a number, which `adduser` does not take.
fn name_of(asked: &str, groups: &[Group]) -> String {
    let is_named = groups.iter().any(|group| group.name == asked);
    let numbered = groups
        .iter()
        .find(|group| !is_named && group.gid.to_string() == asked);
    numbered.map_or(asked, |group| &group.name).to_owned()
}

/// What `usermod` says of a text that would end its field of a line, or the line.
fn misplaced(options: &UserOptions) -> Option<Output> {
    let texts = [
        ("comment", &options.comment),
        ("home directory", &options.home),
        ("shell", &options.shell),
    ];
    texts.into_iter().find_map(|(what, text)| {
        let text = text.as_deref().filter(|text| text.contains([':', '\n']))?;
        Some(refused(3, format!("invalid {what} '{text}'")))
    })
}

/// A tool's failure that we find ourselves.
fn refused(status: i32, why: String) -> Output {
    Output {
        status,
        stderr: why,
        ..Output::default()
    }
}

/// The fields of a line of `/etc/passwd`.
fn set_fields(fields: &mut [String], options: &UserOptions, gid: Option<u32>) {
    let wanted = [
        (2, options.uid.map(|uid| uid.to_string())),
        (3, gid.map(|gid| gid.to_string())),
        (4, options.comment.clone()),
        (5, options.home.clone()),
        (6, options.shell.clone()),
    ];
    for (at, value) in wanted {
        if let (Some(field), Some(value)) = (fields.get_mut(at), value) {
            *field = value;
        }
    }
}

/// Takes the home to its new place, and gives what the user has in there to the new number.
fn moves(host: &Local, user: &User, options: &UserOptions) -> Result<Vec<Vec<String>>, HostError> {
    let mut runs = Vec::new();
    let mut home = user.home.as_str();
    if let (true, Some(to)) = (options.move_home, &options.home)
        && host.metadata(Path::new(home))?.is_some()
        && host.metadata(Path::new(to))?.is_none()
    {
        runs.push(owned(["mv", home, to]));
        home = to;
    }
    if let Some(uid) = options.uid
        && host.metadata(Path::new(&user.home))?.is_some()
    {
        let (before, after) = (user.uid.to_string(), uid.to_string());
        let words = [
            "find", home, "-xdev", "-user", &before, "-exec", "chown", "-h", &after, "{}", "+",
        ];
        runs.push(owned(words));
    }
    Ok(runs)
}

/// Memberships come and go one by one; the `primary` group needs none.
fn membership_words(
    name: &str,
    options: &UserOptions,
    current: &[&str],
    primary: &str,
) -> Vec<Vec<String>> {
    let Some(wanted) = &options.groups else {
        return Vec::new();
    };
    let new = wanted
        .iter()
        .filter(|group| !current.contains(&group.as_str()) && *group != primary);
    let gone = current
        .iter()
        .filter(|group| !options.append && !wanted.iter().any(|one| one == *group));
    let joins = new.map(|group| owned(["adduser", name, group]));
    let leaves = gone.map(|group| owned(["delgroup", name, group]));
    joins.chain(leaves).collect()
}

fn modify_group(host: &Local, name: &str, gid: u32, more: &[String]) -> Result<Output, HostError> {
    let groups = host.groups()?;
    let shares = more.iter().any(|word| word == "-o");
    if !shares && groups.iter().any(|group| group.gid == gid) {
        return Ok(refused(4, format!("gid '{gid}' in use")));
    }
    let before = groups.iter().find(|group| group.name == name);
    let number = gid.to_string();
    edit(host, GROUP, name, |fields| {
        if let Some(field) = fields.get_mut(2) {
            field.clone_from(&number);
        }
    })?;
    // Those of whom it is the first group keep it.
    let users = host.users()?;
    for user in users
        .iter()
        .filter(|user| before.is_some_and(|before| before.gid == user.gid))
    {
        edit(host, PASSWD, &user.name, |fields| {
            if let Some(field) = fields.get_mut(3) {
                field.clone_from(&number);
            }
        })?;
    }
    Ok(Output::success(""))
}

/// The day on which an account expires, as `2030-01-31`; empty for never.
fn set_expiry(host: &Local, name: &str, day: &str) -> Result<(), HostError> {
    let days = crate::time::day_of(day).map_or(String::new(), |days| days.to_string());
    edit(host, SHADOW, name, |fields| {
        if let Some(field) = fields.get_mut(7) {
            field.clone_from(&days);
        }
    })
}

/// Changes the fields of the line of one name.
fn edit(
    host: &Local,
    path: &str,
    name: &str,
    change: impl FnOnce(&mut [String]),
) -> Result<(), HostError> {
    let path = Path::new(path);
    let text = String::from_utf8(host.read(path)?)
        .map_err(|_| HostError::Other(format!("{} is no text", path.display())))?;
    let after = edited(&text, name, change);
    if after == text {
        return Ok(());
    }
    host.write(path, &mut after.as_bytes(), Permissions::default())
}

fn edited(text: &str, name: &str, change: impl FnOnce(&mut [String])) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let is_it = |line: &&mut String| line.split(':').next() == Some(name);
    if let Some(line) = lines.iter_mut().find(is_it) {
        let mut fields: Vec<String> = line.split(':').map(str::to_owned).collect();
        change(&mut fields);
        *line = fields.join(":");
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(runs: &[Vec<String>]) -> String {
        let lines: Vec<String> = runs.iter().map(|words| words.join(" ")).collect();
        lines.join("; ")
    }

    #[test]
    fn a_user_is_made_and_joins_its_groups_one_by_one() {
        let options = UserOptions {
            uid: Some(7),
            groups: Some(vec!["adm".to_owned(), "wheel".to_owned()]),
            skeleton: Some("/none".to_owned()),
            system: true,
            ..UserOptions::default()
        };
        assert_eq!(
            lines(&create_words("me", &options)),
            "adduser -D -u 7 -H -S me; adduser me adm; adduser me wheel"
        );
        assert_eq!(
            lines(&membership_words("me", &options, &["adm", "old"], "me")),
            "adduser me wheel; delgroup me old"
        );
    }

    #[test]
    fn a_group_may_be_given_as_its_number() {
        let group = |name: &str, gid| Group {
            name: name.to_owned(),
            gid,
            members: Vec::new(),
        };
        let groups = [group("adm", 4), group("7", 9), group("x", 7)];
        let names = ["4", "7", "adm", "5"].map(|asked| name_of(asked, &groups));
        assert_eq!(names, ["adm", "7", "adm", "5"]);
    }

    #[test]
    fn what_would_end_a_field_is_refused() {
        let of_home = |home: &str| UserOptions {
            home: Some(home.to_owned()),
            ..UserOptions::default()
        };
        assert_eq!(misplaced(&of_home("/srv/a b")), None);
        let said = misplaced(&of_home("/srv/a:b")).map(|output| output.stderr);
        assert_eq!(said.as_deref(), Some("invalid home directory '/srv/a:b'"));
    }

    #[test]
    fn one_line_of_a_file_is_changed() {
        let text = "root:x:0:0:root:/root:/bin/sh\nme:x:7:7::/home/me:/bin/sh\n";
        let options = UserOptions {
            shell: Some("/bin/ash".to_owned()),
            comment: Some("a b".to_owned()),
            ..UserOptions::default()
        };
        let after = edited(text, "me", |fields| set_fields(fields, &options, Some(9)));
        assert_eq!(
            after,
            "root:x:0:0:root:/root:/bin/sh\nme:x:7:9:a b:/home/me:/bin/ash\n"
        );
        assert_eq!(edited(text, "m", |_| {}), text);
    }
}
