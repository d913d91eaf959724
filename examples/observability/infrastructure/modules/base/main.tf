# What every service stands on: a bridge of its own, and profiles to compose. The `default`
# profile is left alone: it belongs to whoever runs the host.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

resource "incus_network" "bridge" {
  name        = substr(var.name, 0, 15)
  description = "Bridge of ${var.name}"
  type        = "bridge"

  config = {
    "ipv4.address" = var.ipv4_address
    "ipv4.nat"     = "true"
    "ipv6.address" = "none"
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
  description = "One interface on the bridge of ${var.name}"

  device {
    name = "eth0"
    type = "nic"
    properties = {
      network = incus_network.bridge.name
    }
  }
}
