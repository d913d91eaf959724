//! `order`: writes down which functions most runs need, for the linker to put them together.
//!
//! A release is built with the linker's map, which says what lies where; a few ordinary runs are watched by valgrind's
//! callgrind, which says what was touched. Both together are the list that `crates/strata-cli/build.rs` gives to the
//! linker. It need not be up to date: what is not on it stands behind. So that it stays good for long, it leaves out of
//! names what changes with any change of the code ([`Name`]).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::{
    engine::{GROUP, Shape},
    scratch::Scratch,
};
use crate::{failure::Failure, process};

const LIST: &str = "crates/strata-cli/functions.txt";
const PROGRAM: &str = "target/release/strata";
const INSTANCES: usize = 2 * GROUP;

/// What fewer runs need stands where it is: each pattern costs the linker some milliseconds.
const LEAST: usize = 3;

/// Runs in one folder, in turn; all of them end well.
type Runs = &'static [&'static [&'static str]];

const CONFIGURATION: Runs = &[
    &["version"],
    &["validate", "-no-color"],
    &["plan", "-input=false", "-no-color"],
    &["plan", "-input=false", "-no-color", "-out=saved"],
    &["apply", "-input=false", "-no-color", "saved"],
    &["plan", "-input=false", "-no-color"],
    &["output", "-json"],
    &["state", "list"],
    &["destroy", "-input=false", "-no-color", "-auto-approve"],
];

const PLAYBOOK: Runs = &[
    &["inventory", "-i", "hosts", "--list"],
    &["playbook", "-i", "hosts", "site.yml", "--check", "--diff"],
    &["playbook", "-i", "hosts", "site.yml"],
    &["playbook", "-i", "hosts", "site.yml"],
];

/// A playbook that needs no other machine.
const PLAY: &str = "\
- hosts: all
  vars:
    folder: '{{ playbook_dir }}/made'
  tasks:
    - ansible.builtin.file: { path: '{{ folder }}', state: directory, mode: '0755' }
    - ansible.builtin.copy: { dest: '{{ folder }}/copy', content: \"copied\\n\", mode: '0644' }
      notify: told
    - ansible.builtin.template: { src: page.j2, dest: '{{ folder }}/page', mode: '0644' }
    - ansible.builtin.lineinfile: { path: '{{ folder }}/copy', line: 'line {{ item }}' }
      loop: [1, 2]
    - ansible.builtin.command: /bin/true
      changed_when: false
      register: ran
    - ansible.builtin.stat: { path: '{{ folder }}/copy' }
      register: found
      check_mode: false
    - ansible.builtin.set_fact: { size: '{{ found.stat.size | default(0) }}' }
      when: ran is succeeded
    - ansible.builtin.debug: { var: size }
  handlers:
    - name: told
      ansible.builtin.command: /bin/true
";

const PAGE: &str =
    "{% for name in ansible_facts | sort %}{{ name }}\n{% endfor %}{{ inventory_hostname }}\n";

/// Folders with what is run in each.
fn samples() -> Result<Vec<(Scratch, Runs)>, Failure> {
    let mut samples = Vec::new();
    for shape in Shape::ALL {
        samples.push((Scratch::with(&shape.files(INSTANCES))?, CONFIGURATION));
    }
    let hosts = "one ansible_connection=local\n".to_owned();
    let files = [
        ("hosts", hosts),
        ("site.yml", PLAY.into()),
        ("templates/page.j2", PAGE.into()),
    ];
    samples.push((Scratch::with(&files)?, PLAYBOOK));
    Ok(samples)
}

/// Writes the list anew.
pub(crate) fn write() -> Result<(), Failure> {
    let map = absolute(Path::new("target"))? + "/strata.map";
    let build = ["cargo", "build", "--release", "--locked", "--package"];
    let mut build = process::command(&[&build[..], &["strata-cli"]].concat());
    build.env("STRATA_LINK_MAP", &map);
    process::watch(build)?;
    let read = fs::read_to_string(&map).map_err(|error| Failure::file(Path::new(&map), &error))?;
    let functions = functions(&read);
    let program = absolute(Path::new(PROGRAM))?;
    let mut uses: BTreeMap<u64, usize> = BTreeMap::new();
    for (folder, runs) in samples()? {
        for run in runs {
            for at in touched(&functions, &watched(&folder, &program, run)?) {
                *uses.entry(at).or_default() += 1;
            }
        }
    }
    uses.retain(|_, uses| *uses >= LEAST);
    let list = listed(&functions, uses);
    println!("{LIST}: {} functions", list.lines().count());
    fs::write(LIST, list).map_err(|error| Failure::file(Path::new(LIST), &error))
}

fn absolute(path: &Path) -> Result<String, Failure> {
    let path = path
        .canonicalize()
        .map_err(|error| Failure::file(path, &error))?;
    Ok(path.display().to_string())
}

/// What a run touches, as callgrind tells it.
fn watched(folder: &Scratch, program: &str, run: &[&str]) -> Result<String, Failure> {
    let valgrind = [
        "valgrind",
        "--quiet",
        "--tool=callgrind",
        "--dump-instr=yes",
        "--compress-pos=no",
        "--callgrind-out-file=touched",
        program,
    ];
    let mut command = process::command(&[&valgrind[..], run].concat());
    process::output_of(command.current_dir(folder.path()))?;
    let path = folder.path().join("touched");
    fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))
}

/// The functions of a map of `lld`, by where they begin: their ends and the names of their sections. Each has one of its
/// own; those that are the same have one together, with the name of one of them.
///
/// A line has address, address in memory, size and alignment, then what it is about: `OBJECT:(SECTION)`.
fn functions(map: &str) -> BTreeMap<u64, (u64, &str)> {
    map.lines().filter_map(function).collect()
}

fn function(line: &str) -> Option<(u64, (u64, &str))> {
    let (_, section) = line.strip_suffix(')')?.rsplit_once(":(")?;
    let name = section.strip_prefix(".text.")?;
    let mut words = line.split_whitespace();
    let mut number = || u64::from_str_radix(words.next()?, 16).ok();
    let (begin, _, size) = (number()?, number()?, number()?);
    Some((begin, (begin + size, name)))
}

/// The functions, by where they begin, in which instructions were carried out.
fn touched(functions: &BTreeMap<u64, (u64, &str)>, told: &str) -> BTreeSet<u64> {
    let address = |line: &str| {
        let digits = line.strip_prefix("0x")?.split_whitespace().next()?;
        u64::from_str_radix(digits, 16).ok()
    };
    let addresses: BTreeSet<u64> = told.lines().filter_map(address).collect();
    let of = |at: u64| {
        let (begin, (end, _)) = functions.range(..=at).next_back()?;
        (at < *end).then_some(*begin)
    };
    addresses.into_iter().filter_map(of).collect()
}

/// The name of a section, without what changes with any change of the code.
///
/// The older way to mangle ends a name in a hash, of the types of its arguments among others. What one module made
/// visible for another ends in a hash of the whole module.
struct Name<'m> {
    /// Without the hash of a module.
    whole: &'m str,
    /// Without its own hash, too.
    stem: Option<&'m str>,
}

/// What comes before the hash that ends a name, and how many digits that has.
const HASH: (&str, usize) = ("17h", 16);

impl<'m> Name<'m> {
    fn new(name: &'m str) -> Self {
        let whole = name.split_once(".llvm.").map_or(name, |(whole, _)| whole);
        let (mark, digits) = HASH;
        let before = whole
            .strip_suffix('E')
            .and_then(|rest| rest.get(..rest.len().checked_sub(digits)?));
        let stem = before.filter(|before| before.ends_with(mark));
        Self { whole, stem }
    }
}

/// So many bytes of functions that no run touches may stand among the others, for each name.
const SPARE: u64 = 8192;

/// Patterns of their names: those that more runs need come first, and else they keep their order.
fn listed(functions: &BTreeMap<u64, (u64, &str)>, uses: BTreeMap<u64, usize>) -> String {
    let mut untouched: BTreeMap<&str, u64> = BTreeMap::new();
    for (begin, (end, name)) in functions {
        if let Some(stem) = Name::new(name).stem.filter(|_| !uses.contains_key(begin)) {
            *untouched.entry(stem).or_default() += end - begin;
        }
    }
    let is_broad = |stem: &str| untouched.get(stem).is_some_and(|size| *size > SPARE);
    let mut found: Vec<(u64, usize)> = uses.into_iter().collect();
    found.sort_by_key(|(at, uses)| (std::cmp::Reverse(*uses), *at));
    let names = found
        .into_iter()
        .filter_map(|(at, _)| Some(functions.get(&at)?.1));
    let known = names.map(|name| {
        let name = Name::new(name);
        name.stem
            .filter(|stem| !is_broad(stem))
            .unwrap_or(name.whole)
    });
    let mut seen = BTreeSet::new();
    let new = known.filter(|known| seen.insert(*known));
    new.map(|known| format!("{known}*\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "\
             VMA              LMA     Size Align Out     In      Symbol
             100              100       30    16 .text
             100              100       20    16         a.o:(.text.one)
             100              100       20     1                 one
             120              120       10     1         b.a(b.o):(.text.unlikely.two)
             120              120       10     1                 two
             120              120       10     1                 same_as_two
             130              130        0     1         a.o:(.data)
";

    #[test]
    fn functions_are_found_by_the_instructions_in_them() {
        let functions = functions(MAP);
        assert_eq!(functions.len(), 2);
        let touched = touched(&functions, "fn=(1) x\n0x104 3\n0x11f 1\n+3 1\n0x130 9\n");
        assert_eq!(touched, [0x100].into());
    }

    #[test]
    fn what_more_runs_need_comes_first() {
        let functions = functions(MAP);
        assert_eq!(
            listed(&functions, [(0x100, 1), (0x120, 2)].into()),
            "unlikely.two*\none*\n"
        );
    }

    #[test]
    fn hashes_are_left_out_of_names_unless_many_others_have_them_alike() {
        let hashed = |name: &str, digit: &str| format!("_ZN{name}17h{}E", digit.repeat(16));
        let (first, second) = (hashed("1a", "1") + ".llvm.7", hashed("1a", "2"));
        let (third, fourth) = (hashed("1b", "1"), hashed("1b", "2"));
        let functions: BTreeMap<u64, (u64, &str)> = [
            (0x100, (0x110, &*first)),
            (0x110, (0x120, &*second)),
            (0x200, (0x210, &*third)),
            (0x10000, (0x20000, &*fourth)),
        ]
        .into();
        assert_eq!(
            listed(&functions, [(0x100, 3), (0x110, 2), (0x200, 1)].into()),
            format!("_ZN1a17h*\n{third}*\n")
        );
    }
}
