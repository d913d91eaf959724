//! Modules from registries and archives, with tokens, for tests' runs, and copied to begin with.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use crate::strata::Folder;

/// Serves fixed answers on the loopback until the test ends: path to header lines and body.
fn serve(answers: impl Fn(&str) -> Option<(String, Vec<u8>)> + Send + 'static) -> String {
    serve_to(move |path, _| answers(path))
}

/// The same; answers know of the token that is sent, too.
fn serve_to(
    answers: impl Fn(&str, Option<&str>) -> Option<(String, Vec<u8>)> + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut request = String::new();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                request.push_str(&line);
                line.clear();
            }
            let path = request.split_whitespace().nth(1).unwrap_or("/").to_owned();
            let token = request.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                let is_it = name.eq_ignore_ascii_case("authorization");
                is_it.then_some(value)?.strip_prefix("Bearer ")
            });
            let (status, headers, body) = match answers(&path, token) {
                Some((headers, body)) => ("200 OK", headers, body),
                None => ("404 Not Found", String::new(), Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
                body.len()
            );
            let mut stream = stream;
            let sent = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
            drop(sent);
        }
    });
    address
}

/// A `.tar.gz` with a module in the folder `top/m`.
fn archive(folder: &Path) -> Vec<u8> {
    fs::create_dir_all(folder.join("top/m")).unwrap();
    fs::write(
        folder.join("top/m/main.tf"),
        "output \"from\" { value = \"archive\" }\n",
    )
    .unwrap();
    let made = Command::new("tar")
        .args(["czf", "archive.tar.gz", "top"])
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(made.success());
    fs::read(folder.join("archive.tar.gz")).unwrap()
}

/// Serves that archive, and a registry whose module it is; gives the address, and the file that names the registry.
fn registry(folder: &Folder) -> (String, String) {
    let bytes = archive(folder.path());
    let address = serve(move |path| match path {
        "/a/archive.tar.gz" => Some((String::new(), bytes.clone())),
        "/v1/modules/ns/name/test/versions" => {
            let versions = r#"{"modules":[{"versions":[{"version":"1.0.0"},{"version":"1.2.0"},{"version":"2.0.0"}]}]}"#;
            Some((String::new(), versions.into()))
        }
        "/v1/modules/ns/name/test/1.2.0/download" => Some((
            "X-Terraform-Get: /a/archive.tar.gz//*\r\n".to_owned(),
            Vec::new(),
        )),
        _ => None,
    });
    let hosts = format!(
        "host \"registry.example.com\" {{ services = {{ \"modules.v1\" = \"http://{address}/v1/modules/\" }} }}\n"
    );
    folder.write("cli.tfrc", &hosts);
    let file = folder.path().join("cli.tfrc").display().to_string();
    (address, file)
}

#[test]
fn modules_of_tests_runs_are_installed_and_run() {
    let run = |name: &str, source: &str| {
        format!(
            "run \"{name}\" {{\n  module {{\n{source}  }}\n  assert {{\n    condition     = output.from == \"archive\"\n    \
             error_message = \"It is ${{output.from}}.\"\n  }}\n}}\n"
        )
    };
    let of_registry = "source  = \"registry.example.com/ns/name/test//m\"\nversion = \"~> 1.0\"\n";
    let folder = Folder::new(&[("main.tf", "locals {}\n")]);
    let (address, file) = registry(&folder);
    folder.write(
        "tests/helper/main.tf",
        &format!(
            "module \"deep\" {{ source = \"http://{address}/a/archive.tar.gz//top/m\" }}\noutput \"from\" {{ value = module.deep.from }}\n"
        ),
    );
    let tests = run("far", of_registry) + &run("near", "source = \"./tests/helper\"\n");
    folder.write("tests/all.tftest.hcl", &tests);
    let environment = [("TF_CLI_CONFIG_FILE", &*file)];
    let before = folder.run(&["test"]);
    assert!(
        before.stderr.contains("Module not installed"),
        "{}",
        before.stderr
    );
    let init = folder.run_with(&["init"], &environment);
    assert_eq!(init.code, Some(0), "{}{}", init.stdout, init.stderr);
    let manifest = fs::read(folder.path().join(".terraform/modules/modules.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let entry = |entry: &serde_json::Value| {
        let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("Key"), text("Version"), text("Dir"))
    };
    let entries: Vec<_> = manifest["Modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(entry)
        .collect();
    // Both packages are one archive, which is kept once.
    assert_eq!(
        entries,
        [
            " - .",
            "test.tests.all.far 1.2.0 .terraform/modules/test.tests.all.far/top/m",
            "test.tests.all.near - tests/helper",
            "test.tests.all.near.deep - .terraform/modules/test.tests.all.far/top/m",
        ]
    );
    let test = folder.run(&["test"]);
    assert!(
        test.stdout.contains("2 passed, 0 failed"),
        "{}{}",
        test.stdout,
        test.stderr
    );
    folder.write(
        "tests/all.tftest.hcl",
        &run("far", "source = \"git::https://example.com/x\"\n"),
    );
    let refused = folder.run(&["test"]);
    assert!(
        refused
            .stderr
            .contains("Only local or registry module sources"),
        "{}",
        refused.stderr
    );
}

#[test]
fn modules_come_from_archives_and_registries() {
    let folder = Folder::new(&[]);
    let (address, file) = registry(&folder);
    folder.write(
        "main.tf",
        &format!(
            r#"
            module "archive" {{ source = "http://{address}/a/archive.tar.gz//top/m" }}
            module "registry" {{
              source  = "registry.example.com/ns/name/test//m"
              version = "~> 1.0"
            }}
            output "from" {{ value = [module.archive.from, module.registry.from] }}
            "#
        ),
    );
    let init = folder.run_with(&["init"], &[("TF_CLI_CONFIG_FILE", &file)]);
    assert_eq!(init.code, Some(0), "{}{}", init.stdout, init.stderr);
    assert!(
        init.stdout.contains("1.2.0 for registry"),
        "{}",
        init.stdout
    );
    let plan = folder.run(&["plan"]);
    assert!(
        plan.stdout.contains("archive"),
        "{}{}",
        plan.stdout,
        plan.stderr
    );

    folder.write("more.tf", "module \"none\" {\n  source  = \"registry.example.com/ns/name/test\"\n  version = \">= 9\"\n}\n");
    let init = folder.run_with(&["get"], &[("TF_CLI_CONFIG_FILE", &file)]);
    assert_eq!(init.code, Some(1));
    assert!(
        init.stderr
            .contains("Unresolvable module version constraint"),
        "{}",
        init.stderr
    );
}

#[test]
fn a_private_registry_gets_its_token_wherever_it_is_written() {
    let folder = Folder::new(&[(
        "main.tf",
        "module \"m\" {\n  source = \"private.example.com/ns/name/test//m\"\n}\n",
    )]);
    let bytes = archive(folder.path());
    let address = serve_to(move |path, token| {
        let answer = match path {
            "/a/archive.tar.gz" => return Some((String::new(), bytes.clone())),
            "/v1/ns/name/test/versions" => {
                let versions = r#"{"modules":[{"versions":[{"version":"1.0.0"}]}]}"#;
                (String::new(), versions.into())
            }
            "/v1/ns/name/test/1.0.0/download" => {
                let to = "X-Terraform-Get: /a/archive.tar.gz//*\r\n";
                (to.to_owned(), Vec::new())
            }
            _ => return None,
        };
        (token == Some("t0ken")).then_some(answer)
    });
    let host = format!(
        "host \"private.example.com\" {{ services = {{ \"modules.v1\" = \"http://{address}/v1/\" }} }}\n"
    );
    let credentials = "credentials \"private.example.com\" {\n  token = \"t0ken\"\n}\n";
    let login = r#"{"credentials":{"private.example.com":{"token":"t0ken"}}}"#;
    let init = |environment: &[(&str, &str)]| {
        let data = folder.path().join(".terraform");
        if data.exists() {
            fs::remove_dir_all(data).unwrap();
        }
        // Whoever runs the tests may have a file of their own.
        let environment = [&[("TF_CLI_CONFIG_FILE", "")], environment].concat();
        folder.run_with(&["init"], &environment)
    };
    folder.write(".terraformrc", &host);
    let without = init(&[]);
    assert_eq!(without.code, Some(1), "{}", without.stdout);
    init(&[("TF_TOKEN_private_example_com", "t0ken")]).succeeded();
    folder.write(".terraformrc", &(host.clone() + credentials));
    init(&[]).succeeded();
    folder.write(".terraformrc", &host);
    folder.write(".terraform.d/credentials.tfrc.json", login);
    init(&[]).succeeded();
    let wrong = init(&[("TF_TOKEN_private_example_com", "s3cret")]);
    assert_eq!(wrong.code, Some(1));
    assert!(!wrong.stderr.contains("s3cret"), "{}", wrong.stderr);
}

#[test]
fn a_module_is_copied_into_an_empty_folder_to_begin_with() {
    let folder = Folder::new(&[
        (
            "src/main.tf",
            "module \"s\" {\n  source = \"./sub\"\n}\noutput \"o\" {\n  value = module.s.o\n}\n",
        ),
        ("src/sub/a.tf", "output \"o\" {\n  value = \"copied\"\n}\n"),
        ("src/.hidden", "x"),
        (
            "lost/main.tf",
            "module \"o\" {\n  source = \"../src/sub\"\n}\n",
        ),
        ("full/readme", "x"),
        ("t/x", ""),
        ("u/x", ""),
    ]);
    let path = |name: &str| folder.path().join(name);
    for name in ["t/x", "u/x"] {
        fs::remove_file(path(name)).unwrap();
    }
    let init = |to: &str, from: &str| {
        let to = format!("-chdir={to}");
        folder.run(&[&to, "init", &format!("-from-module={from}")])
    };
    let copied = init("t", "../src").succeeded().stdout;
    assert!(
        copied.contains("Copying configuration from \"../src\"..."),
        "{copied}"
    );
    assert!(copied.contains("- s in sub"), "{copied}");
    assert!(path("t/sub/a.tf").exists() && !path("t/.hidden").exists());
    let plan = folder.run(&["-chdir=t", "plan"]).succeeded();
    assert!(plan.stdout.contains("\"copied\""), "{}", plan.stdout);
    let refused = [
        ("t", "../src", "Can't populate non-empty directory"),
        ("full", "../src", "Can't populate non-empty directory"),
        ("u", "../lost", "Local module path escapes module package"),
        ("u", "../none", "Failed to download module"),
        ("u", "..", "A module cannot be copied into itself"),
        ("u", "../src//none", "Failed to download module"),
    ];
    for (to, from, why) in refused {
        let init = init(to, from);
        assert_eq!(init.code, Some(1), "{from}: {}", init.stdout);
        assert!(init.stderr.contains(why), "{from}: {}", init.stderr);
    }
    let inside = folder.run(&["-chdir=u", "init", "-from-module=../src//sub"]);
    inside.succeeded();
    assert!(path("u/a.tf").exists());
}
