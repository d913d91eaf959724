//! `tls_*`, read back by `openssl` and `ssh-keygen` where they are there.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use crate::world::World;

/// What a program prints, given this on its standard input; none if the program is not there.
fn printed(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn key(arguments: &str) -> String {
    format!("resource \"tls_private_key\" \"a\" {{\n {arguments}\n}}\n")
}

const KEYS: [&str; 5] = [
    "algorithm = \"RSA\"",
    "algorithm = \"ED25519\"",
    "algorithm = \"ECDSA\"\n ecdsa_curve = \"P256\"",
    "algorithm = \"ECDSA\"\n ecdsa_curve = \"P384\"",
    "algorithm = \"ECDSA\"\n ecdsa_curve = \"P521\"",
];

#[test]
fn keys_are_as_other_programs_read_them() {
    for arguments in KEYS {
        let world = World::new();
        world.apply(&key(arguments));
        let text = |attribute| world.text("tls_private_key.a", attribute);
        let public = text("public_key_pem");
        for spelling in ["private_key_pem", "private_key_pem_pkcs8"] {
            if let Some(told) = printed("openssl", &["pkey", "-pubout"], &text(spelling)) {
                assert_eq!(told, public, "{arguments} {spelling}");
            }
        }
        let ours = world.path("key");
        fs::write(&ours, text("private_key_openssh")).unwrap();
        fs::set_permissions(&ours, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let ours = ours.to_str().unwrap();
        let openssh = text("public_key_openssh");
        if let Some(told) = printed("ssh-keygen", &["-y", "-f", ours], "") {
            assert_eq!(told.trim(), openssh.trim(), "{arguments}");
        }
        let fingerprint = text("public_key_fingerprint_sha256");
        if let Some(told) = printed("ssh-keygen", &["-lf", "-"], &openssh) {
            assert_eq!(
                told.split(' ').nth(1),
                Some(fingerprint.as_str()),
                "{arguments}"
            );
        }
        let fingerprint = format!("MD5:{}", text("public_key_fingerprint_md5"));
        if let Some(told) = printed("ssh-keygen", &["-E", "md5", "-lf", "-"], &openssh) {
            assert_eq!(
                told.split(' ').nth(1),
                Some(fingerprint.as_str()),
                "{arguments}"
            );
        }
    }
}

#[test]
fn a_public_key_is_read_from_either_spelling() {
    let world = World::new();
    let text = key(KEYS[2])
        + "data \"tls_public_key\" \"pem\" {\n private_key_pem = tls_private_key.a.private_key_pem\n}\n\
           data \"tls_public_key\" \"ssh\" {\n private_key_openssh = tls_private_key.a.private_key_openssh\n}\n\
           resource \"terraform_data\" \"a\" {\n input = [data.tls_public_key.pem.public_key_openssh, data.tls_public_key.ssh.public_key_pem]\n}";
    world.apply(&text);
    let read = world.object("terraform_data.a")["output"]["value"].clone();
    assert_eq!(
        read[0],
        world.text("tls_private_key.a", "public_key_openssh")
    );
    assert_eq!(read[1], world.text("tls_private_key.a", "public_key_pem"));
}

const AUTHORITY: &str = r#"
    resource "tls_private_key" "ca" { algorithm = "ED25519" }
    resource "tls_self_signed_cert" "ca" {
      private_key_pem       = tls_private_key.ca.private_key_pem
      validity_period_hours = 100
      early_renewal_hours   = 10
      is_ca_certificate     = true
      max_path_length       = 1
      set_authority_key_id  = true
      allowed_uses          = ["cert_signing", "crl_signing", "digital_signature"]
      name_constraint_permitted_dns_names          = ["example.com"]
      name_constraint_permitted_dns_names_critical = true
      subject {
        common_name    = "Our CA"
        organization   = "Acme_1"
        country        = "SE"
        street_address = ["a", "b"]
        email_address  = "ca@example.com"
      }
    }
"#;

const LEAF: &str = r#"
    resource "tls_private_key" "leaf" {
      algorithm   = "ECDSA"
      ecdsa_curve = "P256"
    }
    resource "tls_cert_request" "leaf" {
      private_key_pem = tls_private_key.leaf.private_key_pem
      dns_names       = ["www.example.com", "localhost"]
      ip_addresses    = ["127.0.0.1", "2001:db8::1"]
      uris            = ["spiffe://example.com/a"]
      subject { common_name = "www.example.com" }
    }
    resource "tls_locally_signed_cert" "leaf" {
      cert_request_pem      = tls_cert_request.leaf.cert_request_pem
      ca_private_key_pem    = tls_private_key.ca.private_key_pem
      ca_cert_pem           = tls_self_signed_cert.ca.cert_pem
      validity_period_hours = 50
      allowed_uses          = ["key_encipherment", "server_auth", "client_auth"]
      set_subject_key_id    = true
    }
"#;

#[test]
fn certificates_hold_what_was_asked_for() {
    let world = World::new();
    world.apply(&(AUTHORITY.to_owned() + LEAF));
    assert_eq!(
        world.text("tls_self_signed_cert.ca", "validity_end_time"),
        "2026-02-04T04:00:00Z"
    );
    let Some(told) = printed(
        "openssl",
        &["x509", "-noout", "-text"],
        &world.text("tls_self_signed_cert.ca", "cert_pem"),
    ) else {
        return;
    };
    for part in [
        "Subject: C = SE, O = Acme_1, street = a + street = b, CN = Our CA, emailAddress = ca@example.com",
        "CA:TRUE, pathlen:1",
        "Digital Signature, Certificate Sign, CRL Sign",
        "Not Before: Jan 31 00:00:00 2026 GMT",
        "Not After : Feb  4 04:00:00 2026 GMT",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        "X509v3 Name Constraints: critical",
        "Signature Algorithm: ED25519",
    ] {
        assert!(squeezed(&told).contains(&squeezed(part)), "{part}\n{told}");
    }
    let told = printed(
        "openssl",
        &["x509", "-noout", "-text"],
        &world.text("tls_locally_signed_cert.leaf", "cert_pem"),
    )
    .unwrap();
    for part in [
        "DNS:www.example.com, DNS:localhost, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://example.com/a",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "CA:FALSE",
        "Key Encipherment",
    ] {
        assert!(squeezed(&told).contains(&squeezed(part)), "{part}\n{told}");
    }
    let told = printed(
        "openssl",
        &["req", "-noout", "-text", "-verify"],
        &world.text("tls_cert_request.leaf", "cert_request_pem"),
    )
    .unwrap();
    assert!(told.contains("DNS:localhost"), "{told}");
}

/// Without spaces, which versions of openssl set differently.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn a_chain_is_verified_by_others() {
    let world = World::new();
    // Constraints would forbid `localhost`.
    let authority: String = AUTHORITY
        .lines()
        .filter(|line| !line.contains("name_constraint"))
        .map(|line| format!("{line}\n"))
        .collect();
    world.apply(&(authority + LEAF));
    let (ca, leaf) = (world.path("ca.pem"), world.path("leaf.pem"));
    fs::write(&ca, world.text("tls_self_signed_cert.ca", "cert_pem")).unwrap();
    fs::write(
        &leaf,
        world.text("tls_locally_signed_cert.leaf", "cert_pem"),
    )
    .unwrap();
    let arguments = [
        "verify",
        "-attime",
        "1769820000",
        "-CAfile",
        ca.to_str().unwrap(),
        leaf.to_str().unwrap(),
    ];
    if let Some(told) = printed("openssl", &arguments, "") {
        assert!(told.ends_with("leaf.pem: OK\n"), "{told}");
    }
}

#[test]
fn a_certificate_is_made_anew_before_its_end() {
    let world = World::new();
    world.apply(AUTHORITY);
    world.wait_hours(89);
    assert_eq!(world.plan(AUTHORITY), "");
    let earlier = AUTHORITY.replace("early_renewal_hours   = 10", "early_renewal_hours   = 5");
    assert_eq!(world.plan(&earlier), "update tls_self_signed_cert.ca");
    world.wait_hours(1);
    assert_eq!(
        world.plan(AUTHORITY),
        "replace tls_self_signed_cert.ca ready_for_renewal"
    );
    let before = world.text("tls_self_signed_cert.ca", "cert_pem");
    world.apply(AUTHORITY);
    assert_ne!(world.text("tls_self_signed_cert.ca", "cert_pem"), before);
    assert_eq!(
        world.object("tls_self_signed_cert.ca")["ready_for_renewal"],
        false
    );
}

#[test]
fn an_early_renewal_that_covers_the_whole_validity_renews_each_time() {
    let world = World::new();
    world.apply(AUTHORITY);
    let always = AUTHORITY.replace("early_renewal_hours   = 10", "early_renewal_hours   = 100");
    assert_eq!(
        world.plan(&always),
        "replace tls_self_signed_cert.ca ready_for_renewal"
    );
}

#[test]
fn another_argument_makes_a_new_one() {
    let world = World::new();
    let all = AUTHORITY.to_owned() + LEAF;
    world.apply(&all);
    for (from, to, expected) in [
        (
            "common_name = \"www.example.com\"",
            "common_name = \"other.example.com\"",
            "replace tls_cert_request.leaf subject",
        ),
        (
            "set_subject_key_id    = true",
            "",
            "replace tls_locally_signed_cert.leaf set_subject_key_id",
        ),
        (
            "max_path_length       = 1",
            "max_path_length       = 0",
            "replace tls_self_signed_cert.ca max_path_length",
        ),
        (
            "\"P256\"",
            "\"P384\"",
            "replace tls_private_key.leaf ecdsa_curve",
        ),
    ] {
        let plan = world.plan(&all.replace(from, to));
        assert!(plan.contains(expected), "{expected}\n{plan}");
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let cert = |arguments: &str| {
        format!(
            "resource \"tls_self_signed_cert\" \"a\" {{\n private_key_pem = \"hunter2\"\n validity_period_hours = 1\n {arguments}\n}}"
        )
    };
    for (text, told) in [
        (
            key("algorithm = \"DSA\""),
            "`algorithm` must be one of: `RSA`, `ECDSA`, `ED25519`",
        ),
        (
            key("algorithm = \"ECDSA\""),
            "The curve `P224` is not supported",
        ),
        (
            key("algorithm = \"RSA\"\n rsa_bits = 1024"),
            "must be 2048, 3072, 4096 or 8192",
        ),
        (cert("allowed_uses = [\"cooking\"]"), "must hold key usages"),
        (cert("allowed_uses = []"), "not a private key in PEM"),
        (
            cert("allowed_uses = []\n ip_addresses = [\"a\"]"),
            "must hold IP addresses",
        ),
        (
            cert("allowed_uses = []\n dns_names = [\"ö\"]"),
            "must hold names in ASCII",
        ),
        (
            "data \"tls_certificate\" \"a\" {}".to_owned(),
            "One of `content`, `url` must be specified",
        ),
        (
            "data \"tls_certificate\" \"a\" { content = \"x\" }".to_owned(),
            "Failed to parse certificates",
        ),
        (
            "data \"tls_certificate\" \"a\" { url = \"http://a\" }".to_owned(),
            "must have the form",
        ),
    ] {
        let said = World::new().refused(&text);
        assert!(
            said.contains(told) && !said.contains("hunter2"),
            "{text}\n{said}"
        );
    }
}

#[test]
fn a_key_that_is_not_the_authoritys_does_not_sign() {
    let world = World::new();
    let text = (AUTHORITY.to_owned() + LEAF).replace(
        "ca_private_key_pem    = tls_private_key.ca",
        "ca_private_key_pem    = tls_private_key.leaf",
    );
    let said = world.refused(&text);
    assert!(
        said.contains("`ca_private_key_pem` is not the key of `ca_cert_pem`"),
        "{said}"
    );
}

#[test]
fn the_algorithm_of_a_key_may_be_written_if_it_is_that() {
    let request = |algorithm: &str| {
        key("algorithm = \"ED25519\"")
            + &format!(
                "resource \"tls_cert_request\" \"a\" {{\n private_key_pem = tls_private_key.a.private_key_pem\n key_algorithm = {algorithm}\n}}\n"
            )
    };
    let world = World::new();
    world.apply(&request("tls_private_key.a.algorithm"));
    assert_eq!(world.text("tls_cert_request.a", "key_algorithm"), "ED25519");
    let said = World::new().refused(&request("\"RSA\""));
    assert!(
        said.contains("`key_algorithm` is not the algorithm of the key"),
        "{said}"
    );
}

#[test]
fn certificates_are_read_from_text() {
    let world = World::new();
    let text = AUTHORITY.to_owned()
        + "data \"tls_certificate\" \"a\" {\n content = tls_self_signed_cert.ca.cert_pem\n}\n\
           resource \"terraform_data\" \"a\" {\n input = data.tls_certificate.a.certificates[0]\n}";
    world.apply(&text);
    let facts = world.object("terraform_data.a")["output"]["value"].clone();
    assert_eq!(
        facts["subject"],
        "1.2.840.113549.1.9.1=ca@example.com,CN=Our CA,STREET=a+STREET=b,O=Acme_1,C=SE"
    );
    assert_eq!(
        facts["serial_number"],
        world.text("tls_self_signed_cert.ca", "id")
    );
    assert_eq!(
        (&facts["is_ca"], &facts["version"]),
        (&true.into(), &3.into())
    );
    assert_eq!(
        (
            &facts["public_key_algorithm"],
            &facts["signature_algorithm"]
        ),
        (&"Ed25519".into(), &"Ed25519".into())
    );
    assert_eq!(facts["not_before"], "2026-01-31T00:00:00Z");
    assert_eq!(
        facts["cert_pem"],
        world.text("tls_self_signed_cert.ca", "cert_pem")
    );
}

/// A TLS server on loopback with a certificate of its own; gives its port and its certificate's fingerprint.
fn server() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let certificate = made.cert.der().clone();
    let fingerprint = sha1::Digest::finalize(sha1::Digest::chain_update(
        <sha1::Sha1 as sha1::Digest>::new(),
        &certificate,
    ));
    let fingerprint = fingerprint
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = stream.unwrap();
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        }
    });
    (port, fingerprint)
}

#[test]
fn certificates_are_read_off_a_server() {
    let (port, fingerprint) = server();
    let world = World::new();
    let text = format!(
        "data \"tls_certificate\" \"a\" {{\n url = \"https://127.0.0.1:{port}\"\n verify_chain = false\n}}\n\
         resource \"terraform_data\" \"a\" {{\n input = data.tls_certificate.a.certificates[*].sha1_fingerprint\n}}"
    );
    world.apply(&text);
    assert_eq!(
        world.object("terraform_data.a")["output"]["value"],
        serde_json::json!([fingerprint])
    );
    let said = World::new().refused(&text.replace("verify_chain = false", ""));
    assert!(said.contains("Failed to fetch certificates"), "{said}");
}

#[test]
fn an_ephemeral_key_is_as_one_in_state_would_be() {
    let world = World::new();
    let text = r#"
        ephemeral "tls_private_key" "a" {
          algorithm = "ED25519"
          lifecycle {
            postcondition {
              condition     = startswith(self.public_key_openssh, "ssh-ed25519 ") && startswith(self.private_key_pem, "-----BEGIN PRIVATE KEY-----")
              error_message = "It is not as asked."
            }
          }
        }
    "#;
    world.apply(text);
    let refused = world.refused(r#"ephemeral "tls_private_key" "a" { algorithm = "ECDSA" }"#);
    assert!(refused.contains("P224"), "{refused}");
}
