//! The `encryption` block of OpenTofu: states and plans that only who knows the passphrase can read.

use std::fs;

use crate::strata::Folder;

const PASSPHRASE: &str = "correct horse battery staple";
const BODY: &str = "resource \"terraform_data\" \"a\" {\n  input = \"hidden text\"\n}\noutput \"a\" {\n  value = terraform_data.a.output\n}\n";

/// A block with as few iterations as are taken; `target` is what stands in `state` and `plan`.
fn block(target: &str) -> String {
    format!(
        "variable \"passphrase\" {{\n  sensitive = true\n}}\nterraform {{\n  encryption {{\n    key_provider \"pbkdf2\" \"mine\" {{\n      passphrase = var.passphrase\n      iterations = 200000\n    }}\n    method \"aes_gcm\" \"new\" {{\n      keys = key_provider.pbkdf2.mine\n    }}\n    method \"unencrypted\" \"old\" {{}}\n    state {{\n      {target}\n    }}\n    plan {{\n      {target}\n    }}\n  }}\n}}\n{BODY}"
    )
}

const WHO: [(&str, &str); 1] = [("TF_VAR_passphrase", PASSPHRASE)];

fn state(folder: &Folder) -> String {
    fs::read_to_string(folder.path().join("terraform.tfstate")).unwrap()
}

#[test]
fn a_state_goes_from_plain_to_encrypted_and_is_worked_with() {
    let folder = Folder::new(&[("main.tf", BODY)]);
    folder.run(&["apply", "-auto-approve"]).succeeded();
    folder.write(
        "main.tf",
        &block("method = method.aes_gcm.new\n      enforced = true"),
    );
    let strict = folder.run_with(&["plan"], &WHO);
    assert!(
        strict.stderr.contains("unencrypted payload"),
        "{}",
        strict.stderr
    );
    let fallback = "method = method.aes_gcm.new\n      fallback {\n        method = method.unencrypted.old\n      }";
    folder.write("main.tf", &block(fallback));
    folder.replace("main.tf", "hidden text", "hidden words");
    folder
        .run_with(&["apply", "-auto-approve"], &WHO)
        .succeeded();
    let text = state(&folder);
    assert!(
        text.contains("\"key_provider.pbkdf2.mine\"")
            && text.contains("\"encryption_version\":\"v0\""),
        "{text}"
    );
    assert!(!text.contains("hidden"));
    folder.write(
        "main.tf",
        &block("method = method.aes_gcm.new\n      enforced = true"),
    );
    folder.replace("main.tf", "hidden text", "hidden words");
    let output = folder.run_with(&["output", "-raw", "a"], &WHO).succeeded();
    assert_eq!(output.stdout.trim(), "hidden words");
    // What is pulled is to be read.
    let pulled = folder.run_with(&["state", "pull"], &WHO).succeeded();
    assert!(pulled.stdout.contains("hidden words"));
    folder.replace("main.tf", "hidden words", "hidden plan");
    folder.run_with(&["plan", "-out=p"], &WHO).succeeded();
    let plan = fs::read_to_string(folder.path().join("p")).unwrap();
    assert!(plan.contains("\"encrypted_data\"") && !plan.contains("hidden"));
    let shown = folder.run_with(&["show", "p"], &WHO).succeeded();
    assert!(shown.stdout.contains("hidden plan"), "{}", shown.stdout);
    folder.run_with(&["apply", "p"], &WHO).succeeded();
    let other = [("TF_VAR_passphrase", "quite another passphrase")];
    let wrong = folder.run_with(&["plan"], &other);
    assert!(
        wrong.stderr.contains("decryption failed"),
        "{}",
        wrong.stderr
    );
    assert!(!wrong.stderr.contains("quite another"));
}

#[test]
fn the_environment_says_how_to_encrypt() {
    let folder = Folder::new(&[("main.tf", BODY)]);
    let given = format!(
        "key_provider \"pbkdf2\" \"e\" {{\n  passphrase = \"{PASSPHRASE}\"\n  iterations = 200000\n}}\nmethod \"aes_gcm\" \"e\" {{\n  keys = key_provider.pbkdf2.e\n}}\nstate {{\n  method = method.aes_gcm.e\n}}\n"
    );
    let environment = [("TF_ENCRYPTION", &*given)];
    folder
        .run_with(&["apply", "-auto-approve"], &environment)
        .succeeded();
    assert!(!state(&folder).contains("hidden"));
    let json = format!(
        r#"{{"key_provider": {{"pbkdf2": {{"e": {{"passphrase": "{PASSPHRASE}"}}}}}}, "method": {{"aes_gcm": {{"e": {{"keys": "${{key_provider.pbkdf2.e}}"}}}}}}, "state": {{"method": "${{method.aes_gcm.e}}"}}}}"#
    );
    let output = folder
        .run_with(&["output", "-raw", "a"], &[("TF_ENCRYPTION", &json)])
        .succeeded();
    assert_eq!(output.stdout.trim(), "hidden text");
    let without = folder.run(&["output", "-raw", "a"]);
    assert!(
        without
            .stderr
            .contains("it is encrypted, and the configuration has no"),
        "{}",
        without.stderr
    );
    let broken = given.replace("keys =", "keyz =");
    let wrong = folder.run_with(&["plan"], &[("TF_ENCRYPTION", &broken)]);
    assert_eq!(wrong.code, Some(1));
    assert!(
        wrong.stderr.contains("keyz") && !wrong.stderr.contains(PASSPHRASE),
        "{}",
        wrong.stderr
    );
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let folder = Folder::new(&[("main.tf", &block("method = method.aes_gcm.new"))]);
    folder.replace("main.tf", "\"pbkdf2\" \"mine\"", "\"aws_kms\" \"mine\"");
    folder.replace(
        "main.tf",
        "key_provider.pbkdf2.mine",
        "key_provider.aws_kms.mine",
    );
    let kms = folder.run_with(&["plan"], &WHO);
    assert!(
        kms.stderr
            .contains("The key provider `aws_kms` is not supported yet"),
        "{}",
        kms.stderr
    );
    folder.write("main.tf", &block("method = method.aes_gcm.nothing"));
    let nothing = folder.run_with(&["plan"], &WHO);
    assert!(
        nothing
            .stderr
            .contains("Can not find `method.aes_gcm.nothing`"),
        "{}",
        nothing.stderr
    );
    folder.write("main.tf", &block("method = method.aes_gcm.new"));
    let short = folder.run_with(&["plan"], &[("TF_VAR_passphrase", "short one")]);
    assert!(
        short.stderr.contains("passphrase is too short"),
        "{}",
        short.stderr
    );
    assert!(!short.stderr.contains("short one"));
}
