//! When the hosts of a play wait for one another.
//!
//! Ansible's default strategy, linear, takes every task to all hosts before the next. That is slow where hosts
//! come up at different times, and most tasks concern one host alone. So here, with [`Pace::Ready`](crate::Pace::Ready), each host
//! starts when it is ready and goes on at its own pace, as long as nobody could tell the difference but by the
//! order in which lines are printed. The first step of a play that needs the others puts the play into lockstep
//! for its rest: hosts that are ahead wait there until the last one has come. A step needs the others if
//!
//! - it is done once for all, or ends the play for all: `run_once`, `any_errors_fatal`, `max_fail_percentage`,
//!   `meta: end_play` and the like;
//! - it is done on another host (`delegate_to`), or changes the inventory (`add_host`, `group_by`);
//! - a template in it looks at the variables of another host (`hostvars`), or at the hosts that are left in the
//!   play. This is noticed while the task is rendered ([`Watch`](crate::scope::Watch)), before it does anything;
//! - a condition in it tells hosts apart by what the inventory says (name, groups, a variable with different
//!   values): then somebody is first for a reason.
//!
//! Batches (`serial`) and plays always wait for their last host. With `strategy: free` nobody waits, as in Ansible.
//! With [`Pace::Lockstep`](crate::Pace::Lockstep) everybody always does.

use serde_json::Value as Json;
use strata_playbook::play::{Action, Play, Spanned, Task};

/// True if a task needs the other hosts to be there, by what it says before it is rendered.
pub(crate) fn needs_others(play: &Play, task: &Task) -> bool {
    let keywords = &task.keywords;
    let said = |keyword: &Option<Spanned<Json>>| {
        keyword
            .as_ref()
            .is_some_and(|keyword| keyword.value != Json::Bool(false))
    };
    play.max_fail_percentage.is_some()
        || said(&keywords.run_once)
        || said(&keywords.any_errors_fatal)
        || keywords.delegate_to.is_some()
        || action_needs_others(&task.action)
        || judged_by_others(task)
}

fn action_needs_others(action: &Action) -> bool {
    match action {
        Action::Module { name, .. } => matches!(name.value.as_str(), "add_host" | "group_by"),
        Action::Meta(name) => matches!(
            name.value.as_str(),
            "end_play" | "end_batch" | "clear_host_errors" | "clear_facts" | "refresh_inventory"
        ),
        Action::IncludeTasks { .. } | Action::IncludeRole { .. } => false,
    }
}

/// True if what is evaluated after the task speaks of other hosts: then it is too late to notice.
fn judged_by_others(task: &Task) -> bool {
    let lists = [&task.changed_when, &task.failed_when, &task.until];
    let conditions = lists.into_iter().flatten().flatten();
    conditions
        .chain(&task.loop_control.break_when)
        .chain(&task.notify)
        .any(|condition| {
            let text = condition.value.to_string();
            ["hostvars", "play_hosts", "ansible_play_batch"]
                .iter()
                .any(|word| text.contains(word))
        })
}
