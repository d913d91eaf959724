# Alertmanager: who is told what.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

module "service" {
  source = "../service"

  name           = "${var.place.prefix}alertmanager"
  image          = var.place.image
  profiles       = var.place.profiles
  pool           = var.place.pool
  member         = var.place.member
  expose         = var.place.expose
  listen_address = var.place.listen_address
  data           = var.persistent ? "/var/lib/prometheus/alertmanager" : null
  snapshots      = var.snapshots ? { schedule = "@daily", expiry = var.place.expiry } : null
  restore_from   = var.place.restore_from
  ports          = { http = 9093 }
}
