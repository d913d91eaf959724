# What Prometheus shows to Incus to be told of its metrics, and of nothing else.

resource "tls_private_key" "metrics" {
  algorithm   = "ECDSA"
  ecdsa_curve = "P384"
}

resource "tls_self_signed_cert" "metrics" {
  private_key_pem       = tls_private_key.metrics.private_key_pem
  validity_period_hours = 87600
  allowed_uses          = ["client_auth"]

  subject {
    common_name = "${var.name}-prometheus"
  }
}

resource "incus_certificate" "metrics" {
  name        = "${var.name}-metrics"
  description = "Prometheus of ${var.name}"
  type        = "metrics"
  certificate = tls_self_signed_cert.metrics.cert_pem
}
