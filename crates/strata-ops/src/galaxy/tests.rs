//! Requirements, versions, and installing from archives and folders; no network.

use std::{collections::BTreeMap, sync::Mutex};

use flate2::{Compression, write::GzEncoder};

use super::*;

fn process(home: &Path) -> Process {
    Process {
        environment: BTreeMap::from([("HOME".to_owned(), home.display().to_string())]),
        working_directory: home.to_owned(),
        started_in: home.to_owned(),
        host: "here".to_owned(),
    }
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        // The format's own way would refuse the paths that a test is about.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn roles_and_collections_are_installed_from_archives_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(
        at("r.tar.gz"),
        archive(&[
            ("role-1.0/tasks/main.yml", "[]"),
            ("role-1.0/meta/main.yml", "dependencies: []"),
        ]),
    )
    .unwrap();
    let manifest = r#"{"collection_info": {"version": "2.1.0", "dependencies": {}}}"#;
    fs::write(
        at("c.tar.gz"),
        archive(&[
            ("MANIFEST.json", manifest),
            ("roles/x/tasks/main.yml", "[]"),
        ]),
    )
    .unwrap();
    let text = format!(
        "roles:\n  - {{src: {0}/r.tar.gz, name: web, version: '1.0'}}\n",
        folder.path().display()
    );
    fs::write(at("requirements.yml"), text).unwrap();
    let said = Mutex::new(Vec::new());
    let say = |line: &str| said.lock().unwrap().push(line.to_owned());
    let options = Options {
        requirements: vec![at("requirements.yml")],
        ..Options::default()
    };
    install(&options, &process(folder.path()), &say).unwrap();
    install(&options, &process(folder.path()), &say).unwrap();
    let said = said.into_inner().unwrap();
    assert_eq!(said[1], "- web (1.0) was installed successfully");
    assert_eq!(said[2], "- web is already installed, skipping.");
    assert!(at(".ansible/roles/web/tasks/main.yml").is_file());
    let place = at(".ansible/collections/ansible_collections/my/tools");
    archive::unpack(&fs::read(at("c.tar.gz")).unwrap(), &place, false).unwrap();
    let listed = list(&Options::default(), &process(folder.path())).unwrap();
    assert!(
        listed.contains("- web, 1.0\n") && listed.contains("my.tools 2.1.0\n"),
        "{listed}"
    );
}

#[test]
fn archives_cannot_write_outside_of_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    let bad = archive(&[("x/../../evil", "x")]);
    let error = archive::unpack(&bad, &folder.path().join("in"), true).unwrap_err();
    assert!(error.contains("out of its folder"), "{error}");
    assert!(!folder.path().join("evil").exists());
}

#[test]
fn names_say_what_is_wanted_and_from_where() {
    let shown = |text: &str, kind| {
        let one = requirements::named(text, Some(kind));
        (one.name, one.version, one.from, one.git)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        shown("geerlingguy.docker,7.4.1", Kind::Role),
        ("geerlingguy.docker".to_owned(), text("7.4.1"), None, false)
    );
    assert_eq!(
        shown("community.general:>=9,<10", Kind::Collection).0,
        "community.general"
    );
    assert_eq!(
        shown("git+https://x.org/a/role-b.git,main", Kind::Role),
        (
            "role-b".to_owned(),
            text("main"),
            text("https://x.org/a/role-b.git"),
            true
        )
    );
    assert_eq!(shown("git@x.org:a/role-b.git", Kind::Role).0, "role-b");
}

#[test]
fn versions_are_compared_by_their_numbers() {
    assert!(fetch::fits("9.10.0", ">=9.2,<10"));
    assert!(!fetch::fits("10.0.0", ">=9.2,<10"));
    assert!(!fetch::fits("9.5.0-beta1", ">=9"));
    assert!(fetch::fits("1.2.3", "1.2.3") && !fetch::fits("1.2.4", "==1.2.3"));
    let versions = ["1.9.0", "1.10.0", "2.0.0-rc1"];
    assert_eq!(
        fetch::latest(versions.into_iter()).as_deref(),
        Some("1.10.0")
    );
}

#[test]
fn a_role_that_cannot_be_had_is_named_and_the_others_are_installed() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("good/tasks")).unwrap();
    let options = Options {
        names: [
            "/nowhere/at.tar.gz".to_owned(),
            folder.path().join("good").display().to_string(),
        ]
        .to_vec(),
        ..Options::default()
    };
    let diags = install(&options, &process(folder.path()), &|_| {}).unwrap_err();
    let said: Vec<_> = diags.iter().map(|one| one.summary.clone()).collect();
    assert_eq!(said, ["`at` was not installed"]);
    assert!(folder.path().join(".ansible/roles/good").is_dir());
}
