# One service: a container, and a volume for its data that outlives it.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_storage_volume" "data" {
  name        = "${var.name}-data"
  description = "Data of ${var.name}"
  pool        = var.pool

  config = {
    "snapshots.schedule" = var.snapshots.schedule
    "snapshots.expiry"   = var.snapshots.expiry
  }
}

resource "incus_instance" "service" {
  name        = var.name
  description = "Runs ${var.name}"
  image       = var.image
  profiles    = var.profiles

  device {
    name = "data"
    type = "disk"
    properties = {
      path   = var.data
      pool   = var.pool
      source = incus_storage_volume.data.name
    }
  }

  wait_for {
    type = "ipv4"
  }
}
