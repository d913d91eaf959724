//! The debugger of tasks: what the user answers decides what becomes of a task.

use std::sync::{Arc, Mutex};

use strata_core::{Event, TaskOutcome};

use crate::world::World;

const INVENTORY: &str = "a\n[all:vars]\nansible_connection=local\n";

/// What a run with these answers asked, and how each task of it ended.
fn check(playbook: &str, answers: &[&str]) -> (String, Vec<TaskOutcome>, bool) {
    let mut world = World::new([("inventory.ini", INVENTORY), ("playbook.yml", playbook)]);
    let asked = Arc::new(Mutex::new(String::new()));
    let answers: Vec<String> = answers.iter().rev().map(ToString::to_string).collect();
    let (heard, answers) = (asked.clone(), Mutex::new(answers));
    world.options.ask = Some(Arc::new(move |question: &str, _| {
        heard.lock().unwrap().push_str(question);
        answers.lock().unwrap().pop()
    }));
    let ran = world.run();
    let ended = ran.events.iter().filter_map(|event| match event {
        Event::TaskFinished { outcome, .. } => Some(*outcome),
        _ => None,
    });
    let asked = asked.lock().unwrap().clone();
    (asked, ended.collect(), ran.recap.unwrap().stopped)
}

const FAILING: &str = "- hosts: all
  gather_facts: false
  vars: {word: bad}
  tasks:
    - name: Judge
      debugger: on_failed
      assert: {that: \"word == 'good'\", msg: \"it is {{ word }}\"}
    - debug: {msg: after}
";

#[test]
fn a_variable_is_changed_and_the_task_done_again() {
    let answers = ["p task.args['msg']", "task_vars['word'] = 'good'", "r"];
    let (asked, ended, stopped) = check(FAILING, &answers);
    assert!(asked.starts_with("[a] TASK: Judge (debug)> "), "{asked}");
    assert!(asked.contains("it is"), "{asked}");
    use TaskOutcome::{Failed, Ok};
    assert_eq!((ended, stopped), (vec![Failed, Ok, Ok], false));
}

#[test]
fn an_argument_is_changed_and_mistakes_are_told() {
    let answers = ["p task.(", "task.args['that'] = true", "redo"];
    let (asked, ended, _) = check(FAILING, &answers);
    assert!(asked.contains("***"), "{asked}");
    use TaskOutcome::{Failed, Ok};
    assert_eq!(ended, [Failed, Ok, Ok]);
}

#[test]
fn who_goes_on_keeps_the_failure_and_who_quits_or_says_nothing_ends_the_run() {
    let (_, ended, stopped) = check(FAILING, &["c"]);
    assert_eq!((ended, stopped), (vec![TaskOutcome::Failed], false));
    for answers in [&["q"][..], &[]] {
        let (_, ended, stopped) = check(FAILING, answers);
        assert_eq!((ended, stopped), (vec![TaskOutcome::Failed], true));
    }
}

#[test]
fn nobody_is_asked_about_what_is_fine_but_with_always_and_the_strategy_debug_asks_about_failures() {
    let always = FAILING.replace("on_failed", "always");
    let fine = always.replace("word: bad", "word: good");
    assert_eq!(check(&fine, &["c"]).0, "[a] TASK: Judge (debug)> ");
    let never = FAILING.replace("on_failed", "never");
    assert_eq!(check(&never, &[]).0, "");
    let strategy = FAILING.replace("      debugger: on_failed\n", "").replace(
        "gather_facts: false",
        "gather_facts: false\n  strategy: debug",
    );
    assert_eq!(check(&strategy, &["c"]).0, "[a] TASK: Judge (debug)> ");
    let wrong = FAILING.replace("on_failed", "sometimes");
    let world = World::new([
        ("inventory.ini", INVENTORY),
        ("playbook.yml", wrong.as_str()),
    ]);
    let diags = world.run().recap.unwrap_err();
    let summary = &diags.iter().next().unwrap().summary;
    assert!(
        summary.contains("is not a valid value for `debugger`"),
        "{summary}"
    );
}
