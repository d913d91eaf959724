//! `archive_file`.

use std::{fs, process::Command};

use crate::world::World;

fn listed(world: &World, name: &str) -> Vec<String> {
    let bytes = fs::read(world.path(name)).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|at| {
            let mut file = archive.by_index(at).unwrap();
            let mut text = String::new();
            std::io::Read::read_to_string(&mut file, &mut text).unwrap();
            format!(
                "{} {:o} {text}",
                file.name().unwrap(),
                file.unix_mode().unwrap() & 0o7777
            )
        })
        .collect()
}

fn folder(world: &World) {
    fs::create_dir_all(world.path("src/sub")).unwrap();
    fs::write(world.path("src/b.txt"), "b").unwrap();
    fs::write(world.path("src/a.log"), "a").unwrap();
    fs::write(world.path("src/sub/c.txt"), "c").unwrap();
}

#[test]
fn a_folder_is_put_into_a_zip_archive() {
    let world = World::new();
    folder(&world);
    world.apply(
        "resource \"archive_file\" \"a\" {\n type = \"zip\"\n source_dir = \"src\"\n output_path = \"out/a.zip\"\n \
         excludes = [\"*.log\"]\n output_file_mode = \"0644\"\n}",
    );
    assert_eq!(
        listed(&world, "out/a.zip"),
        ["b.txt 644 b", "sub/c.txt 644 c"]
    );
    let object = world.object("archive_file.a");
    let bytes = fs::read(world.path("out/a.zip")).unwrap();
    assert_eq!(object["output_size"], bytes.len());
    let sum = Command::new("sha256sum")
        .arg(world.path("out/a.zip"))
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    assert!(sum.starts_with(object["output_sha256"].as_str().unwrap()));
    assert_eq!(object["id"], object["output_sha"]);
}

#[test]
fn the_same_files_give_the_same_archive_whenever_they_were_written() {
    let digest = |kind: &str| {
        let world = World::new();
        folder(&world);
        let text = format!(
            "data \"archive_file\" \"a\" {{\n type = \"{kind}\"\n source_dir = \"src\"\n output_path = \"a\"\n}}\n\
            resource \"terraform_data\" \"a\" {{\n input = data.archive_file.a.output_base64sha256\n}}"
        );
        world.apply(&text);
        world.object("terraform_data.a")["output"]["value"].clone()
    };
    assert_eq!(digest("zip"), digest("zip"));
    assert_eq!(digest("tar.gz"), digest("tar.gz"));
}

#[test]
fn single_files_and_written_down_ones_are_put_in() {
    let world = World::new();
    folder(&world);
    world.apply("resource \"archive_file\" \"a\" {\n type = \"zip\"\n source_file = \"src/b.txt\"\n output_path = \"a.zip\"\n output_file_mode = \"0600\"\n}");
    assert_eq!(listed(&world, "a.zip"), ["b.txt 600 b"]);
    world.apply("resource \"archive_file\" \"a\" {\n type = \"zip\"\n source_content = \"x\"\n source_content_filename = \"n\"\n output_path = \"a.zip\"\n}");
    assert_eq!(listed(&world, "a.zip"), ["n 644 x"]);
    world.apply("resource \"archive_file\" \"a\" {\n type = \"tar.gz\"\n output_path = \"a.tgz\"\n source {\n filename = \"p/q\"\n content = \"1\"\n }\n source {\n filename = \"m\"\n content = \"2\"\n }\n}");
    let listing = Command::new("tar")
        .args(["-tzf"])
        .arg(world.path("a.tgz"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(listing.stdout).unwrap(), "m\np/q\n");
}

#[test]
fn an_archive_that_is_missing_is_made_again_and_another_argument_makes_a_new_one() {
    let world = World::new();
    folder(&world);
    let text = "resource \"archive_file\" \"a\" {\n type = \"zip\"\n source_dir = \"src\"\n output_path = \"a.zip\"\n}";
    world.apply(text);
    fs::remove_file(world.path("a.zip")).unwrap();
    assert_eq!(world.plan(text), "create archive_file.a");
    world.apply(text);
    assert_eq!(
        world.plan(&text.replace("\"zip\"", "\"tar.gz\"")),
        "replace archive_file.a type"
    );
}

#[test]
fn wrong_arguments_are_refused() {
    for (arguments, told) in [
        (
            "type = \"rar\"\n source_dir = \"src\"",
            "`type` must be one of: `zip`, `tar.gz`",
        ),
        ("type = \"zip\"", "must be specified"),
        (
            "type = \"zip\"\n source_dir = \"a\"\n source_file = \"b\"",
            "Only one of",
        ),
        (
            "type = \"zip\"\n source_content = \"a\"",
            "must be specified",
        ),
        (
            "type = \"zip\"\n source_dir = \"not-there\"",
            "`not-there` cannot be read",
        ),
        (
            "type = \"zip\"\n source_dir = \".\"\n excludes = [\"**\"]",
            "as it would be empty",
        ),
        (
            "type = \"zip\"\n source_dir = \".\"\n excludes = [\"[\"]",
            "A pattern in `excludes` is wrong",
        ),
        (
            "type = \"zip\"\n source_dir = \".\"\n output_file_mode = \"x\"",
            "octal mode",
        ),
    ] {
        let text = format!(
            "resource \"archive_file\" \"a\" {{\n output_path = \"a.zip\"\n {arguments}\n}}"
        );
        let said = World::new().refused(&text);
        assert!(said.contains(told), "{text}\n{said}");
    }
}
