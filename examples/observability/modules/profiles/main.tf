# Profiles to compose. The `default` profile is left alone: it belongs to whoever runs the host.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_profile" "base" {
  name        = "${var.name}-base"
  description = "Root disk, and starting with the host"

  config = {
    "boot.autostart" = "true"
  }

  device {
    name = "root"
    type = "disk"
    properties = {
      path = "/"
      pool = var.storage_pool
    }
  }
}

resource "incus_profile" "network" {
  name        = "${var.name}-network"
  description = "One interface on the network ${var.network}"

  device {
    name = "eth0"
    type = "nic"
    properties = {
      network = var.network
    }
  }
}
