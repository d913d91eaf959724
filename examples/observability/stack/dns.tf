# The names of the services, for whoever asks Incus.

locals {
  addresses = {
    prometheus   = module.prometheus.address
    alertmanager = module.alertmanager.address
    loki         = module.loki.address
    alloy        = module.alloy.address
    grafana      = module.grafana.address
    mosquitto    = module.mosquitto.address
    coredns      = module.coredns.address
    "step-ca"    = module.step_ca.address
    cloudflared  = module.cloudflared.address
  }
}

resource "incus_network_zone" "services" {
  name        = var.domain
  description = "Services of ${var.name}"
}

resource "incus_network_zone_record" "service" {
  for_each = local.addresses

  zone = incus_network_zone.services.name
  name = each.key

  entry {
    type  = "A"
    value = each.value
    ttl   = 300
  }
}
