//! Playbooks in, the order of tasks out: `fail` fails, everything else goes well, `notify` always notifies.
//!
//! The orders are those of Ansible for the same playbooks.

use std::{path::Path, sync::Arc};

use expect_test::{Expect, expect};
use serde_json::Value as Json;
use strata_core::{Diagnostics, files::MemoryFiles};

use super::*;
use crate::{
    load,
    play::{Action, JsonMap},
};

fn options() -> load::Options {
    load::Options {
        roles_path: Vec::new(),
        collections_path: Vec::new(),
        merge_hashes: false,
        private_role_vars: false,
        extra_vars: Arc::default(),
    }
}

fn name(task: &Task) -> String {
    task.name
        .as_ref()
        .and_then(|name| name.value.as_str())
        .unwrap_or("?")
        .to_owned()
}

fn notify(walk: &mut Walk, task: &Task) {
    for wanted in &task.notify {
        let places: Vec<_> = walk
            .handlers()
            .iter()
            .enumerate()
            .filter(|(_, handler)| {
                handler
                    .task
                    .name
                    .as_ref()
                    .is_some_and(|name| name.value == wanted.value)
                    || handler
                        .listen
                        .iter()
                        .any(|topic| topic.value == wanted.value)
            })
            .map(|(at, _)| at)
            .collect();
        for place in places {
            walk.notify(place);
        }
    }
}

fn outcome(task: &Task) -> Outcome {
    let fails = matches!(&task.action, Action::Module { name, .. } if name.value == "fail");
    let ignored = task
        .keywords
        .ignore_errors
        .as_ref()
        .is_some_and(|ignore| ignore.value == Json::Bool(true));
    if fails && !ignored {
        Outcome::Failed
    } else {
        Outcome::Ok
    }
}

/// Walks the first play of `site.yml` and shows the names of the tasks.
fn check(files: &[(&str, &str)], expected: Expect) {
    let files = MemoryFiles::new(files.iter().copied());
    let mut diags = Diagnostics::new();
    let playbook = load(&files, Path::new("site.yml"), &options(), &mut diags);
    let play = playbook.unwrap_or_else(|| panic!("{diags:?}")).plays[0].clone();
    let mut walk = Walk::new(&play).forcing_handlers(play.force_handlers.is_some());
    let mut shown = Vec::new();
    let mut last = Position::new();
    while let Some((position, step)) = walk.next() {
        assert!(
            position > last,
            "{position:?} does not come behind {last:?}"
        );
        last = position;
        let task = match &step {
            Step::RoleDone(_) => {
                walk.report(Outcome::Ok);
                continue;
            }
            Step::Task(task) => task,
            Step::Handler(handler) => &handler.task,
        };
        match &task.action {
            Action::IncludeTasks { file, .. } => {
                let file = crate::Spanned {
                    value: file.value.as_str().unwrap().to_owned(),
                    span: file.span.clone(),
                };
                let parameters = Arc::new(JsonMap::new());
                let site = load::Site {
                    play: &play,
                    task,
                    parameters: &parameters,
                };
                let included =
                    load::include_tasks(&files, site, &file, None, &options(), &mut diags).unwrap();
                walk.include(included.nodes, included.handlers);
            }
            Action::Meta(meta) => match meta.value.as_str() {
                "flush_handlers" => walk.flush_handlers(),
                "end_host" => walk.end_host(),
                "end_role" => walk.end_role(),
                other => panic!("{other}"),
            },
            _ => shown.push(name(task)),
        }
        notify(&mut walk, task);
        walk.report(outcome(task));
    }
    let shown = format!("{}: {:?}\n", shown.join(" "), walk.end().unwrap());
    expected.assert_eq(&shown);
}

const BLOCKS: &str = "\
- hosts: all
  gather_facts: false
  tasks:
    - block:
        - block:
            - {name: a, debug: {}}
            - {name: b, fail: {}}
            - {name: c, debug: {}}
          always:
            - {name: d, debug: {}}
      rescue:
        - {name: e, debug: {}}
      always:
        - {name: f, debug: {}}
    - {name: g, debug: {}}
    - block:
        - {name: h, fail: {}}
      rescue:
        - {name: i, fail: {}}
      always:
        - {name: j, debug: {}}
    - {name: k, debug: {}}
";

#[test]
fn failures_go_to_the_nearest_rescue_through_every_always() {
    check(
        &[("site.yml", BLOCKS)],
        expect![[r#"
        a b d e f g h i j: Failed
    "#]],
    );
}

const HANDLERS: &str = "\
- hosts: all
  gather_facts: false
  pre_tasks:
    - {name: pre, debug: {}, notify: one, changed_when: true}
  tasks:
    - {name: a, debug: {}, notify: [two, topic], changed_when: true}
    - meta: flush_handlers
    - {name: b, debug: {}, notify: one, changed_when: true}
  post_tasks:
    - {name: post, debug: {}, notify: two, changed_when: true}
  handlers:
    - {name: three, debug: {}, listen: topic, notify: five, changed_when: true}
    - {name: one, debug: {}}
    - {name: two, debug: {}}
    - {name: five, debug: {}, notify: one, changed_when: true}
    - {name: four, debug: {}, listen: topic}
";

#[test]
fn handlers_run_at_the_ends_of_sections_in_their_own_order() {
    check(
        &[("site.yml", HANDLERS)],
        expect![[r#"
            pre one a three two five four b one post two: Done
        "#]],
    );
}

const FORCED: &str = "\
- hosts: all
  gather_facts: false
  force_handlers: true
  tasks:
    - {name: a, debug: {}, notify: one, changed_when: true}
    - {name: b, fail: {}}
    - {name: c, debug: {}}
  handlers:
    - {name: one, debug: {}}
";

#[test]
fn failed_hosts_run_handlers_when_forced() {
    check(
        &[("site.yml", FORCED)],
        expect![[r#"
        a b one: Failed
    "#]],
    );
    let unforced = FORCED.replace("  force_handlers: true\n", "");
    check(
        &[("site.yml", &unforced)],
        expect![[r#"
        a b: Failed
    "#]],
    );
}

const INCLUDES: &str = "\
- hosts: all
  gather_facts: false
  roles: [r]
  tasks:
    - {name: a, debug: {}}
    - include_tasks: more.yml
    - {name: b, fail: {}, ignore_errors: true}
    - block:
        - include_tasks: failing.yml
        - {name: c, debug: {}}
      rescue:
        - {name: d, debug: {}}
    - meta: end_host
    - {name: e, debug: {}}
";

#[test]
fn includes_and_early_ends() {
    check(
        &[
            ("site.yml", INCLUDES),
            (
                "more.yml",
                "- {name: m1, debug: {}}\n- include_tasks: again.yml\n- {name: m2, debug: {}}\n",
            ),
            ("again.yml", "- {name: n, debug: {}}\n"),
            (
                "failing.yml",
                "- {name: f1, fail: {}}\n- {name: f2, debug: {}}\n",
            ),
            (
                "roles/r/tasks/main.yml",
                "- {name: r1, debug: {}}\n- block:\n    - meta: end_role\n- {name: r2, debug: {}}\n",
            ),
        ],
        expect![[r#"
            r1 a m1 n m2 b f1 d: Done
        "#]],
    );
}
