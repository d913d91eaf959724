# Prometheus: metrics of all the others.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

module "service" {
  source = "../service"

  name           = "${var.place.prefix}prometheus"
  image          = var.place.image
  profiles       = var.place.profiles
  pool           = var.place.pool
  member         = var.place.member
  expose         = var.place.expose
  listen_address = var.place.listen_address
  data           = var.persistent ? "/var/lib/prometheus" : null
  snapshots      = var.snapshots ? { schedule = "@daily", expiry = var.place.expiry } : null
  restore_from   = var.place.restore_from
  ports          = { http = 9090 }
  host_ports     = var.incus == null ? {} : { incus = var.incus }
}
