//! `rsadecrypt` with keys that are made here: what one program encrypts for a key, the function decrypts with it.

#![expect(clippy::unwrap_used, reason = "what cannot be made fails the test")]

use std::sync::Arc;

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeySize, Pkcs1PublicEncryptingKey, PrivateDecryptingKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use strata_core::{Diagnostics, Source, Value};
use strata_hcl::{EmptyScope, evaluate, parse_expression};

/// A private key as PKCS#8 and as PKCS#1, and the text `hello` encrypted for it.
struct Made {
    pkcs8: String,
    pkcs1: String,
    secret: String,
}

fn made() -> Made {
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let der = key.as_der().unwrap();
    let der = der.as_ref();
    let public = Pkcs1PublicEncryptingKey::new(key.public_key()).unwrap();
    let mut secret = vec![0; public.ciphertext_size()];
    let secret = public.encrypt(b"hello", &mut secret).unwrap();
    // The one is the other behind a version, the name of the algorithm and the head of an octet string.
    let inner = der
        .windows(4)
        .skip(1)
        .position(|at| at[..2] == [0x30, 0x82]);
    let inner = inner.unwrap() + 1;
    Made {
        pkcs8: pem("PRIVATE KEY", der),
        pkcs1: pem("RSA PRIVATE KEY", &der[inner..]),
        secret: STANDARD.encode(secret),
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<String> = body
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\\n{}\\n-----END {label}-----\\n",
        lines.join("\\n")
    )
}

fn decrypted(secret: &str, key: &str) -> (Value, Vec<String>) {
    let text = format!("rsadecrypt(\"{secret}\", \"{key}\")");
    let source = Arc::new(Source::new("test", text));
    let mut diags = Diagnostics::new();
    let expression = parse_expression(&source, &mut diags);
    let value = evaluate(&expression, &EmptyScope, &mut diags);
    let told = diags.iter().map(|told| told.detail.clone()).collect();
    (value, told)
}

#[test]
fn a_key_decrypts_what_was_encrypted_for_it() {
    let made = made();
    for key in [&made.pkcs8, &made.pkcs1] {
        let (value, told) = decrypted(&made.secret, key);
        assert_eq!(value, Value::from("hello"), "{told:?}");
    }
}

#[test]
fn what_another_key_encrypted_is_an_error_without_the_key() {
    let (one, other) = (made(), made());
    let (_, told) = decrypted(&one.secret, &other.pkcs8);
    assert_eq!(told.len(), 1);
    assert!(!told[0].contains("PRIVATE"), "{}", told[0]);
    let (_, told) = decrypted("aGVsbG8=", &one.pkcs8);
    assert_eq!(told.len(), 1);
}
