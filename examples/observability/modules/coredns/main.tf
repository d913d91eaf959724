# CoreDNS: names of the services.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

module "service" {
  source = "../service"

  name           = "${var.place.prefix}coredns"
  image          = var.place.image
  profiles       = var.place.profiles
  pool           = var.place.pool
  member         = var.place.member
  expose         = var.place.expose
  listen_address = var.place.listen_address
  ports          = { dns = 53 }
}
