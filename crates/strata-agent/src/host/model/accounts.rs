//! Users and groups of a model.

use std::path::Path;

use super::State;
use crate::host::{HostError, Kind};
use crate::system::{AccountChange, Group, Output, User, UserOptions};

pub(super) fn change(state: &mut State, change: &AccountChange) -> Result<Output, HostError> {
    match change {
        AccountChange::CreateUser { name, options } => create_user(state, name, options),
        AccountChange::ModifyUser { name, options } => {
            set_options(state, name, options);
            Ok(Output::success(""))
        }
        AccountChange::SetPassword { name, hash } => {
            state.hashes.insert(name.clone(), hash.clone());
            Ok(Output::success(""))
        }
        AccountChange::RemoveUser {
            name, remove_home, ..
        } => {
            remove_user(state, name, *remove_home);
            Ok(Output::success(""))
        }
        AccountChange::CreateGroup {
            name, gid, system, ..
        } => {
            let gid = gid.unwrap_or_else(|| free_gid(state, *system));
            state.groups.push(Group {
                name: name.clone(),
                gid,
                members: Vec::new(),
            });
            Ok(Output::success(""))
        }
        AccountChange::ModifyGroup { name, gid, .. } => {
            if let Some(group) = state.groups.iter_mut().find(|group| group.name == *name) {
                group.gid = *gid;
            }
            Ok(Output::success(""))
        }
        AccountChange::RemoveGroup { name, .. } => {
            state.groups.retain(|group| group.name != *name);
            Ok(Output::success(""))
        }
    }
}

fn create_user(state: &mut State, name: &str, options: &UserOptions) -> Result<Output, HostError> {
    let uid = options
        .uid
        .unwrap_or_else(|| free_uid(state, options.system));
    let user = User {
        name: name.to_owned(),
        uid,
        gid: uid,
        comment: String::new(),
        home: format!("/home/{name}"),
        shell: "/bin/sh".to_owned(),
    };
    if options.group.is_none() {
        state.groups.push(Group {
            name: name.to_owned(),
            gid: uid,
            members: Vec::new(),
        });
    }
    state.users.push(user);
    set_options(state, name, options);
    let made = state.users.last().map(|user| (user.home.clone(), user.gid));
    if let (true, Some((home, gid))) = (options.create_home, made) {
        let now = state.now;
        if state.tree.get(Path::new(&home)).is_none() {
            let node = state
                .tree
                .put("make", Path::new(&home), Kind::Directory, now)?;
            (node.uid, node.gid, node.mode) = (uid, gid, 0o700);
        }
    }
    Ok(Output::success(""))
}

fn set_options(state: &mut State, name: &str, options: &UserOptions) {
    let primary = options.group.as_ref().and_then(|wanted| {
        let named = state.groups.iter().find(|group| group.name == *wanted);
        named.map(|group| group.gid).or_else(|| wanted.parse().ok())
    });
    let Some(user) = state.users.iter_mut().find(|user| user.name == name) else {
        return;
    };
    user.uid = options.uid.unwrap_or(user.uid);
    user.gid = primary.unwrap_or(user.gid);
    let set = |field: &mut String, value: &Option<String>| {
        if let Some(value) = value {
            field.clone_from(value);
        }
    };
    set(&mut user.comment, &options.comment);
    set(&mut user.home, &options.home);
    set(&mut user.shell, &options.shell);
    let Some(wanted) = &options.groups else {
        return;
    };
    for group in &mut state.groups {
        let member = group.members.iter().any(|member| member == name);
        if wanted.contains(&group.name) && !member {
            group.members.push(name.to_owned());
        } else if member && !options.append && !wanted.contains(&group.name) {
            group.members.retain(|member| member != name);
        }
    }
}

fn remove_user(state: &mut State, name: &str, remove_home: bool) {
    let home = state
        .users
        .iter()
        .find(|user| user.name == name)
        .map(|user| user.home.clone());
    state.users.retain(|user| user.name != name);
    state
        .groups
        .retain(|group| group.name != name || !group.members.is_empty());
    for group in &mut state.groups {
        group.members.retain(|member| member != name);
    }
    if let (true, Some(home)) = (remove_home, home) {
        state.tree.remove(Path::new(&home));
    }
}

fn free_uid(state: &State, system: bool) -> u32 {
    free(
        system,
        &state.users.iter().map(|user| user.uid).collect::<Vec<_>>(),
    )
}

fn free_gid(state: &State, system: bool) -> u32 {
    free(
        system,
        &state
            .groups
            .iter()
            .map(|group| group.gid)
            .collect::<Vec<_>>(),
    )
}

/// As Debian gives them: users from 1000 upwards, system users from 999 downwards.
fn free(system: bool, taken: &[u32]) -> u32 {
    let found = if system {
        (100..1000).rev().find(|id| !taken.contains(id))
    } else {
        (1000..60_000).find(|id| !taken.contains(id))
    };
    found.unwrap_or(60_000)
}
