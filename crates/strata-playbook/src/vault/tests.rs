//! Texts that real `ansible-vault` (ansible-core 2.19) encrypted, and texts that must not be read.

use std::{path::Path, sync::Arc};

use strata_core::files::{Files, MemoryFiles};

use super::{Envelope, Password, Secrets, VaultError, VaultFiles};

const PLAIN: &str = "secret text\nline 2\n";

/// `ansible-vault encrypt` with the password `pw-one`.
const DEFAULT: &str = "$ANSIBLE_VAULT;1.1;AES256
38363864383732643962613964656564633832303534303232666664393032313937346666303363
6336626437353864623134356639643463393565326330660a656438363337353466653361326237
34306132646661616265323964366564356264623464633666663065396633623037633330373861
6137333833633037660a306261373933333363313965623536636337313235313539616463353162
32313131346339353130653736653239653761616638393839373237626561316462
";

/// The same with `--vault-id prod@…`, whose password is `pw-two`.
const LABELLED: &str = "$ANSIBLE_VAULT;1.2;AES256;prod
33303339336266666166376239643437613864326237333432386437333033356333386438623636
6462326364373638373466653639373461646636303963630a356339633262366330393437666366
64623262626236626464303465623464626164333939643435376233373564633935666166623930
3338376661376233610a656332376366616433306535366334646231356563333532363333363634
34626161383266303362363062383732313362353930626132373062313564333136
";

fn secrets(passwords: &[(&str, &str)]) -> Secrets {
    let password = |(id, text): &(&str, &str)| Password {
        id: (*id).to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    Secrets::new(passwords.iter().map(password).collect(), false)
}

#[test]
fn both_formats_of_ansible_vault_are_read() {
    let secrets = secrets(&[("default", "pw-one"), ("prod", "pw-two")]);
    assert_eq!(secrets.value(DEFAULT).unwrap(), PLAIN);
    let (text, password) = secrets.open(LABELLED.as_bytes()).unwrap();
    assert_eq!(
        (text.as_slice(), password.id.as_str()),
        (PLAIN.as_bytes(), "prod")
    );
}

#[test]
fn indented_values_are_read_as_yaml_gives_them() {
    let indented = DEFAULT.replace('\n', "\n          ");
    assert_eq!(secrets(&[("x", "pw-one")]).value(&indented).unwrap(), PLAIN);
}

#[test]
fn what_was_encrypted_here_is_decrypted_here_whatever_its_length() {
    for length in [0, 1, 15, 16, 17, 1000] {
        let text = vec![b'x'; length];
        let sealed = Envelope::seal(&text, "dev", b"password", &[7; 32]).write();
        assert!(sealed.starts_with("$ANSIBLE_VAULT;1.2;AES256;dev\n"));
        let (opened, _) = secrets(&[("other", "no"), ("dev", "password")])
            .open(sealed.as_bytes())
            .map(|(text, password)| (text, password.id.clone()))
            .unwrap();
        assert_eq!(opened, text);
    }
}

#[test]
fn the_same_salt_gives_the_text_that_ansible_gave() {
    let envelope = Envelope::parse(DEFAULT.as_bytes()).unwrap();
    assert_eq!(envelope.write(), DEFAULT);
}

#[test]
fn wrong_passwords_and_damaged_texts_are_told_apart() {
    let error =
        |passwords: &[(&str, &str)], text: &str| secrets(passwords).value(text).unwrap_err();
    assert_eq!(error(&[], DEFAULT), VaultError::NoSecrets);
    assert_eq!(
        error(&[("default", "no")], DEFAULT),
        VaultError::WrongPassword
    );
    assert_eq!(
        error(&[("default", "x")], "plain"),
        VaultError::NotEncrypted
    );
    let old = "$ANSIBLE_VAULT;1.0;AES\n00";
    assert!(matches!(
        error(&[("default", "x")], old),
        VaultError::Format(_)
    ));
    for damaged in [
        "$ANSIBLE_VAULT;1.1;AES256\nzz",
        "$ANSIBLE_VAULT;1.1;AES256\n",
        "$ANSIBLE_VAULT;1.1;AES256\n363",
    ] {
        assert!(
            matches!(error(&[("d", "x")], damaged), VaultError::Damaged(_)),
            "{damaged}"
        );
    }
}

#[test]
fn encrypted_files_are_read_as_what_is_in_them_and_their_values_are_known_for_hiding() {
    let sealed = Envelope::seal(
        b"password: \"correct horse\"\nshort: abc\n",
        "default",
        b"p",
        &[1; 32],
    )
    .write();
    let files = MemoryFiles::new([("group_vars/all.yml", sealed.as_str()), ("plain", "x")]);
    let secrets = Arc::new(secrets(&[("default", "p")]));
    let files = VaultFiles::new(Arc::new(files), secrets.clone());
    let text = files.read_text(Path::new("group_vars/all.yml")).unwrap();
    assert!(text.starts_with("password: "));
    assert_eq!(&*files.read_text(Path::new("plain")).unwrap(), "x");
    assert_eq!(secrets.revealed(), ["correct horse"]);
}

#[test]
fn passwords_are_not_shown() {
    let shown = format!("{:?}", secrets(&[("dev", "hunter2")]));
    assert!(shown.contains("dev") && !shown.contains("hunter2"));
}
