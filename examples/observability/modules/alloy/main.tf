# Alloy: gathers logs and metrics for Loki and Prometheus.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

module "service" {
  source = "../service"

  name           = "${var.place.prefix}alloy"
  image          = var.place.image
  profiles       = var.place.profiles
  pool           = var.place.pool
  member         = var.place.member
  expose         = var.place.expose
  listen_address = var.place.listen_address
  ports          = { http = 12345 }
}
