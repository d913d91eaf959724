//! Encrypted states and plans.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value as Json, json};
use strata_state::{
    Backup, State, Store,
    encryption::{
        Encryption, External, KeyProvider, KeySource, Method, Pbkdf2, Secret, is_encrypted,
    },
};

const PASSPHRASE: &str = "correct horse battery staple";

fn provider(name: &str, secret: Secret) -> Arc<KeyProvider> {
    // As few iterations as are taken, so that the test is soon over.
    let source = Pbkdf2::new(secret, None, Some(200_000), None, None).unwrap();
    Arc::new(KeyProvider {
        name: format!("key_provider.pbkdf2.{name}"),
        source: KeySource::Pbkdf2(Box::new(source)),
    })
}

fn method(passphrase: &str) -> Method {
    Method::AesGcm {
        keys: provider("mine", Secret::Passphrase(passphrase.to_owned())),
        aad: Vec::new(),
    }
}

fn encryption(methods: Vec<Method>) -> Encryption {
    Encryption::new(methods, false).unwrap()
}

#[test]
fn the_envelope_is_that_of_opentofu() {
    let ours = encryption(vec![method(PASSPHRASE)]);
    let plain = br#"{"version":4,"serial":7,"lineage":"l","outputs":{},"resources":[]}"#;
    let sealed = ours.encrypt(plain).unwrap();
    let text = String::from_utf8(sealed.clone()).unwrap();
    assert!(
        text.starts_with(r#"{"serial":7,"lineage":"l","meta":{"key_provider.pbkdf2.mine":""#),
        "{text}"
    );
    let envelope: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(envelope["encryption_version"], "v0");
    let meta = BASE64
        .decode(
            envelope["meta"]["key_provider.pbkdf2.mine"]
                .as_str()
                .unwrap(),
        )
        .unwrap();
    let mut meta: Json = serde_json::from_slice(&meta).unwrap();
    let salt = meta["salt"].take();
    assert_eq!(BASE64.decode(salt.as_str().unwrap()).unwrap().len(), 32);
    let expected =
        json!({"salt": null, "iterations": 200_000, "hash_function": "sha512", "key_length": 32});
    assert_eq!(meta, expected);
    // Another run, of which only the passphrase is the same.
    let later = encryption(vec![method(PASSPHRASE)]);
    assert_eq!(later.decrypt(&sealed).unwrap(), plain);
    assert_ne!(ours.encrypt(plain).unwrap(), sealed);
    // A plan has neither serial nor lineage.
    let plan = ours.encrypt(b"a plan").unwrap();
    assert!(plan.starts_with(b"{\"meta\":"));
    assert_eq!(later.decrypt(&plan).unwrap(), b"a plan");
}

/// An envelope worked out by Python's `hashlib` and `cryptography`.
#[test]
fn what_others_encrypted_is_read() {
    let sealed = include_bytes!("data/encrypted-by-python.json");
    let ours = encryption(vec![method(PASSPHRASE)]);
    assert_eq!(
        ours.decrypt(sealed).unwrap(),
        b"{\"version\":4,\"serial\":1,\"lineage\":\"p\"}"
    );
}

#[test]
fn wrong_keys_and_changed_data_are_told_and_nothing_secret_is() {
    let sealed = encryption(vec![method(PASSPHRASE)])
        .encrypt(b"secret text")
        .unwrap();
    let other = encryption(vec![method("another passphrase of mine")]);
    let error = other.decrypt(&sealed).unwrap_err().to_string();
    assert_eq!(
        error,
        "decryption failed for all provided methods: key_provider.pbkdf2.mine: the key is another one, or the data were changed"
    );
    assert!(!format!("{other:?}").contains("another"));
    let mut envelope: Json = serde_json::from_slice(&sealed).unwrap();
    let wrong = |name: &str, value: Json, envelope: &mut Json| {
        let before = std::mem::replace(&mut envelope[name], value);
        let text = envelope.to_string();
        envelope[name] = before;
        encryption(vec![method(PASSPHRASE)])
            .decrypt(text.as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert!(wrong("encrypted_data", "AAAA".into(), &mut envelope).contains("cut off"));
    assert!(wrong("encrypted_data", "!".into(), &mut envelope).contains("not base64"));
    assert!(wrong("encryption_version", "v9".into(), &mut envelope).contains("v9 != v0"));
    assert!(wrong("meta", json!({}), &mut envelope).contains("says nothing of the key provider"));
    let many = BASE64
        .encode(r#"{"salt":"","iterations":4000000000,"hash_function":"sha512","key_length":32}"#);
    let many = json!({"key_provider.pbkdf2.mine": many});
    assert!(wrong("meta", many, &mut envelope).contains("too many iterations"));
}

#[test]
fn plain_texts_are_read_only_where_that_is_allowed() {
    let strict = encryption(vec![method(PASSPHRASE)]);
    let error = strict.decrypt(b"{}").unwrap_err().to_string();
    assert!(
        error.starts_with("encountered unencrypted payload"),
        "{error}"
    );
    let moving = encryption(vec![method(PASSPHRASE), Method::Unencrypted]);
    assert_eq!(moving.decrypt(b"{}").unwrap(), b"{}");
    assert!(is_encrypted(&moving.encrypt(b"{}").unwrap()));
    let back = encryption(vec![Method::Unencrypted, method(PASSPHRASE)]);
    assert_eq!(back.encrypt(b"{}").unwrap(), b"{}");
    assert_eq!(
        back.decrypt(&moving.encrypt(b"{}").unwrap()).unwrap(),
        b"{}"
    );
    let error = Encryption::new(vec![Method::Unencrypted], true).unwrap_err();
    assert!(error.contains("`enforced`"), "{error}");
}

#[test]
fn weak_settings_are_refused() {
    let made = |passphrase: &str, iterations, length, hash| {
        Pbkdf2::new(
            Secret::Passphrase(passphrase.to_owned()),
            length,
            iterations,
            hash,
            None,
        )
        .err()
    };
    assert!(
        made("too short", None, None, None)
            .unwrap()
            .contains("minimum 16")
    );
    assert!(
        made(PASSPHRASE, Some(1000), None, None)
            .unwrap()
            .contains("dangerously low")
    );
    assert!(
        made(PASSPHRASE, None, Some(0), None)
            .unwrap()
            .contains("key_length")
    );
    assert!(
        made(PASSPHRASE, None, None, Some("md5"))
            .unwrap()
            .contains("`md5`")
    );
    assert!(made(PASSPHRASE, None, None, Some("sha256")).is_none());
}

#[test]
fn keys_come_from_programs_and_go_through_pbkdf2() {
    let folder = tempfile::tempdir().unwrap();
    let script = |text: &str| {
        let path = folder.path().join("keys.sh");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        vec!["/bin/sh".to_owned(), path.display().to_string()]
    };
    let encryption_of = |command: Vec<String>| {
        let external = Arc::new(KeyProvider {
            name: "key_provider.external.e".to_owned(),
            source: KeySource::External(External::new(command).unwrap()),
        });
        let keys = provider("chained", Secret::Chain(external));
        encryption(vec![Method::AesGcm {
            keys,
            aad: b"more".to_vec(),
        }])
    };
    let header = r#"echo '{"magic":"OpenTofu-External-Key-Provider","version":1}'"#;
    // It gives the key to decrypt with only to who brings what it said before.
    let good = format!(
        "{header}\nread given\ncase $given in\n  null) echo '{{\"keys\":{{\"encryption_key\":\"AAAA\"}},\"meta\":{{\"external_data\":{{\"a\":\"b\"}}}}}}';;\n  *'\"a\":\"b\"'*) echo '{{\"keys\":{{\"decryption_key\":\"AAAA\"}}}}';;\nesac"
    );
    let sealed = encryption_of(script(&good)).encrypt(b"text").unwrap();
    assert_eq!(
        encryption_of(script(&good)).decrypt(&sealed).unwrap(),
        b"text"
    );
    let wrong = |text: &str| {
        encryption_of(script(text))
            .encrypt(b"text")
            .unwrap_err()
            .to_string()
    };
    assert!(wrong("exit 3").contains("exit status: 3"));
    assert!(wrong("echo hello; echo").contains("no header"));
    assert!(wrong(&format!("{header}\necho '{{}}'")).contains("no keys"));
    assert!(External::new(Vec::new()).is_err());
}

#[test]
fn states_and_their_backups_are_encrypted_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("terraform.tfstate");
    let store = |methods| Store::new(&path).with_encryption(Some(Arc::new(encryption(methods))));
    let write = |store: &Store, version: &str| {
        let mut opened = store.open().unwrap();
        opened.state.terraform_version = version.into();
        let output = strata_state::Output {
            value: strata_core::Value::string(version),
            sensitive: false,
        };
        opened.state.outputs.insert("a".into(), output);
        store.write(&mut opened.state, &opened.base).unwrap();
    };
    write(&Store::new(&path).with_backup(Backup::Beside), "1.0.0");
    let moving = store(vec![method(PASSPHRASE), Method::Unencrypted]);
    write(&moving, "1.1.0");
    assert!(is_encrypted(&fs::read(&path).unwrap()));
    let strict = store(vec![method(PASSPHRASE)]);
    let opened = strict.open().unwrap();
    assert_eq!(&*opened.state.terraform_version, "1.1.0");
    // The same state again is no change, although its text would be another one.
    let before = fs::read(&path).unwrap();
    let mut state: State = opened.state.clone();
    strict.write(&mut state, &opened.base).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    write(&strict, "1.2.0");
    let backup = fs::read(folder.path().join("terraform.tfstate.backup")).unwrap();
    assert!(is_encrypted(&backup));
    let plain = Store::new(&path).open().unwrap_err().to_string();
    assert!(plain.contains("it is encrypted"), "{plain}");
}
