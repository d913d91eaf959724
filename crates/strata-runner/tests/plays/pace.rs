//! Hosts start when they are ready, and wait for one another only where a play needs it.

use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use strata_core::{
    BoxFuture, Event,
    connection::{Channel, Connection, ConnectionError},
};
use strata_runner::{HostLink, Pace, Target};
use strata_transport::AgentSession;
use tokio::sync::Notify;

use crate::world::World;

const INVENTORY: &str = "a\nb\n[all:vars]\nansible_connection=local\n";

/// A host that gets ready when it is told.
struct Late(Arc<Notify>);

impl Connection for Late {
    fn describe(&self) -> String {
        "late".to_owned()
    }

    fn ready<'a>(
        &'a self,
        progress: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        progress("starting");
        Box::pin(async {
            self.0.notified().await;
            Ok(())
        })
    }

    fn start<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Channel, ConnectionError>> {
        unreachable!("the tasks go to a model")
    }

    fn upload<'a>(
        &'a self,
        _: &'a str,
        _: u32,
        _: &'a [u8],
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        unreachable!("the tasks go to a model")
    }
}

/// Runs a play in which `b` gets ready only when `a` has finished the task of this name; the last tasks of both.
fn check(playbook: &str, until: &str, order: Expect) {
    let mut world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    world.options.pace = Pace::Ready;
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let until = until.to_owned();
    let seen = Arc::new(Mutex::new(String::new()));
    let lines = seen.clone();
    let connect = |target: &Target| {
        let session = AgentSession::for_model(world.model(&target.host));
        if &*target.host == "b" {
            let late = Arc::new(Late(gate.clone()));
            return Ok(HostLink::session_when_ready(session, late));
        }
        Ok(HostLink::session(session))
    };
    let ran = world.run_seeing(&connect, move |event| match event {
        Event::TaskFinished {
            host,
            task,
            outcome,
            ..
        } => {
            let line = format!("{host} {task} {outcome:?}\n");
            lines.lock().unwrap().push_str(&line);
            if &**host == "a" && **task == *until {
                opened.notify_one();
            }
        }
        Event::HostReady { host } => lines
            .lock()
            .unwrap()
            .push_str(&format!("{host} is ready\n")),
        _ => {}
    });
    ran.recap.unwrap();
    // Hosts that do the same task at the same time may finish it in any order.
    let seen = seen.lock().unwrap();
    let mut lines: Vec<&str> = seen.lines().collect();
    lines
        .chunk_by_mut(|one, other| task(one) == task(other))
        .for_each(<[&str]>::sort_unstable);
    order.assert_eq(&format!("{}\n", lines.join("\n")));
}

fn task(line: &str) -> Option<&str> {
    line.split(' ').nth(1)
}

#[test]
fn a_host_that_is_ready_goes_through_its_tasks_while_its_neighbour_starts() {
    check(
        "- hosts: all
  gather_facts: false
  tasks:
    - name: one
      ping:
    - name: two
      ping:
",
        "two",
        expect![[r#"
            a is ready
            a one Ok
            a two Ok
            b is ready
            b one Ok
            b two Ok
        "#]],
    );
}

#[test]
fn a_host_waits_where_one_does_a_task_for_all() {
    check(
        "- hosts: all
  gather_facts: false
  tasks:
    - name: one
      ping:
    - name: once
      ping:
      run_once: true
    - name: two
      ping:
",
        "one",
        expect![[r#"
            a is ready
            a one Ok
            b is ready
            b one Ok
            a once Ok
            a two Ok
            b two Ok
        "#]],
    );
}

#[test]
fn a_host_waits_where_a_template_looks_at_another_host() {
    check(
        "- hosts: all
  gather_facts: false
  tasks:
    - name: one
      ping:
      register: mine
    - name: yours
      ping:
        data: \"{{ hostvars['b'].mine.ping }}\"
",
        "one",
        expect![[r#"
            a is ready
            a one Ok
            b is ready
            b one Ok
            a yours Ok
            b yours Ok
        "#]],
    );
}

#[test]
fn a_host_waits_where_a_condition_tells_hosts_apart() {
    check(
        "- hosts: all
  gather_facts: false
  tasks:
    - name: one
      ping:
    - name: first
      ping:
      when: inventory_hostname == groups['all'][0]
    - name: two
      ping:
",
        "one",
        expect![[r#"
            a is ready
            a one Ok
            b is ready
            b one Ok
            a first Ok
            b first Skipped
            a two Ok
            b two Ok
        "#]],
    );
}

#[test]
fn the_free_strategy_waits_for_nobody() {
    check(
        "- hosts: all
  gather_facts: false
  strategy: free
  tasks:
    - name: one
      ping:
    - name: first
      ping:
      when: inventory_hostname == groups['all'][0]
    - name: two
      ping:
",
        "two",
        expect![[r#"
            a is ready
            a one Ok
            a first Ok
            a two Ok
            b is ready
            b one Ok
            b first Skipped
            b two Ok
        "#]],
    );
}
