//! Whole runs, command by command, through Strata and through Terraform 1.11.4.
//!
//! `scenarios/*.txt` hold them: `=== name`, then files (`--- path` and their text) and commands (`$ plan -out=p`, with
//! variables of the environment before it as in a shell) in turn. What Terraform answered is recorded beside it in `*.answers`: exit codes, plans, states and outputs as JSON,
//! the lines of `-json`, lists, and the summaries of errors. Only what is another at every run is made alike before
//! comparing ([`normal`]). A command that answers otherwise says why in a line `# differs: …` after it, and must differ.
//!
//! `STRATA_RECORD=1` asks Terraform again, `STRATA_RECORD=moves` for one group alone; `STRATA_SCENARIO=name` runs one alone and shows both answers.

mod answer;
mod differences;
mod normal;
mod scenario;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use answer::{Answer, Program};
use scenario::{Scenario, Step};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terraform/scenarios")
}

fn groups() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).expect("the scenarios are there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut groups: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    groups.sort();
    groups
}

fn read(group: &Path) -> Vec<Scenario> {
    let text = fs::read_to_string(group).expect("a group of scenarios");
    let mut scenarios = scenario::parse(&text);
    if let Ok(only) = std::env::var("STRATA_SCENARIO") {
        scenarios.retain(|scenario| scenario.name == only);
    }
    scenarios
}

/// Does something with each scenario, some at the same time; the results keep their order.
fn each<T: Send>(scenarios: &[Scenario], work: impl Fn(&Scenario) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let worker = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(scenario) = scenarios.get(at) else {
                return;
            };
            let result = work(scenario);
            done.lock()
                .expect("nobody panics with it")
                .insert(at, result);
        }
    };
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(worker))));
    done.into_inner()
        .expect("all are done")
        .into_values()
        .collect()
}

fn record(which: &str) {
    let is_wanted =
        |group: &PathBuf| which == "1" || group.file_stem().is_some_and(|stem| stem == which);
    for group in groups().into_iter().filter(is_wanted) {
        let scenarios = read(&group);
        let answers = each(&scenarios, |scenario| scenario.run(Program::Terraform));
        let mut text = String::new();
        for (scenario, answers) in scenarios.iter().zip(answers) {
            text.push_str(&format!("=== {}\n", scenario.name));
            answers
                .iter()
                .for_each(|answer| text.push_str(&answer.print()));
        }
        fs::write(group.with_extension("answers"), text).expect("answers are kept");
    }
}

/// How many scenarios and commands there are, and how many of them answer the same.
#[derive(Default)]
struct Score {
    scenarios: (usize, usize),
    commands: (usize, usize),
    wrong: Vec<String>,
}

impl Score {
    fn add(&mut self, scenario: &Scenario, recorded: &[Answer], ours: &[Answer]) {
        let mut same = true;
        let commands = scenario.steps.iter().filter_map(Step::command);
        for (at, ((command, recorded), ours)) in commands.zip(recorded).zip(ours).enumerate() {
            let found = differences::between(recorded, ours);
            self.commands.1 += 1;
            self.commands.0 += usize::from(found.is_empty());
            same &= found.is_empty();
            if found.is_empty() == command.differs.is_some() {
                let what = match found.is_empty() {
                    true => "is the same now\n".to_owned(),
                    false => found,
                };
                let (name, line) = (&scenario.name, &command.line);
                self.wrong
                    .push(format!("{name}, command {}: $ {line}\n{what}", at + 1));
            }
        }
        self.scenarios.1 += 1;
        self.scenarios.0 += usize::from(same);
    }
}

#[test]
fn runs_answer_as_terraform_does() {
    if let Ok(which) = std::env::var("STRATA_RECORD") {
        record(&which);
        return;
    }
    let mut score = Score::default();
    for group in groups() {
        let scenarios = read(&group);
        let text = fs::read_to_string(group.with_extension("answers")).expect("recorded answers");
        let recorded = answer::parse(&text);
        let ours = each(&scenarios, |scenario| scenario.run(Program::Strata));
        for (scenario, ours) in scenarios.iter().zip(&ours) {
            let recorded = recorded
                .get(&scenario.name)
                .unwrap_or_else(|| panic!("`{}` is not recorded", scenario.name));
            score.add(scenario, recorded, ours);
        }
    }
    println!(
        "{} of {} commands answer the same",
        score.commands.0, score.commands.1
    );
    println!(
        "{} commands of {} scenarios, of {}, do not",
        score.commands.1 - score.commands.0,
        score.scenarios.1 - score.scenarios.0,
        score.scenarios.1
    );
    assert!(score.wrong.is_empty(), "{}", score.wrong.join("\n"));
}
