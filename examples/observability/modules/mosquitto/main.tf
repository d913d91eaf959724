# Mosquitto: messages of sensors.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

module "service" {
  source = "../service"

  name           = "${var.place.prefix}mosquitto"
  image          = var.place.image
  profiles       = var.place.profiles
  pool           = var.place.pool
  member         = var.place.member
  expose         = var.place.expose
  listen_address = var.place.listen_address
  data           = var.persistent ? "/var/lib/mosquitto" : null
  snapshots      = var.snapshots ? { schedule = "@hourly", expiry = var.place.expiry } : null
  restore_from   = var.place.restore_from
  ports          = { mqtt = 1883, mqtts = 8883 }
}
