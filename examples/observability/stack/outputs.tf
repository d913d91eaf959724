# The inventory: for each service its host, and what its role must know of the others.

output "prometheus_instances" {
  value = module.prometheus.instances
}

locals {
  federate_authority = try(file("${path.module}/${var.federate_authority}"), "")
}

output "prometheus_ansible_vars" {
  value = {
    prometheus_tls                = true
    prometheus_federate           = var.federate
    prometheus_federate_authority = local.federate_authority
    prometheus_alertmanagers      = ["${module.alertmanager.address}:9093"]
    prometheus_targets = {
      alertmanager = ["${module.alertmanager.address}:9093"]
      alloy        = ["${module.alloy.address}:12345"]
      grafana      = ["${module.grafana.address}:3000"]
      loki         = ["${module.loki.address}:3100"]
    }
    prometheus_incus = {
      address     = var.incus_address == null || var.network.mode != "bridge" ? var.incus_address : "127.0.0.1:8443"
      certificate = tls_self_signed_cert.metrics.cert_pem
      key         = tls_private_key.metrics.private_key_pem
    }
  }
  sensitive = true
}

output "alertmanager_instances" {
  value = module.alertmanager.instances
}

output "loki_instances" {
  value = module.loki.instances
}

output "alloy_instances" {
  value = module.alloy.instances
}

output "alloy_ansible_vars" {
  value = { alloy_loki = "http://${module.loki.address}:3100" }
}

output "grafana_instances" {
  value = module.grafana.instances
}

output "grafana_ansible_vars" {
  value = {
    grafana_prometheus = "https://${module.prometheus.address}:9090"
    grafana_loki       = "http://${module.loki.address}:3100"
  }
}

output "mosquitto_instances" {
  value = module.mosquitto.instances
}

output "mosquitto_ansible_vars" {
  value = {
    mosquitto_listener_port     = 1883
    mosquitto_tls_listener_port = 8883
  }
}

output "coredns_instances" {
  value = module.coredns.instances
}

output "coredns_ansible_vars" {
  value = {
    coredns_zone    = var.domain
    coredns_records = local.addresses
  }
}

output "step_ca_instances" {
  value = module.step_ca.instances
}

output "step_ca_ansible_vars" {
  value = { step_ca_domain = var.domain }
}

output "cloudflared_instances" {
  value = module.cloudflared.instances
}

output "cloudflared_ansible_vars" {
  value = { cloudflared_service = "http://${module.grafana.address}:3000" }
}

output "addresses" {
  description = "Address of each service's container."
  value       = local.addresses
}
