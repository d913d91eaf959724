# Cloudflared: a way in from the internet.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

module "service" {
  source = "../service"

  name           = "${var.place.prefix}cloudflared"
  image          = var.place.image
  profiles       = var.place.profiles
  pool           = var.place.pool
  member         = var.place.member
  expose         = var.place.expose
  listen_address = var.place.listen_address
}
