# One service: a container, a volume for its data that outlives it, and the way to it from outside.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

locals {
  # A volume lives where the container does.
  persistent = var.data != null
  snapshots = var.snapshots == null ? {} : {
    "snapshots.schedule" = var.snapshots.schedule
    "snapshots.expiry"   = var.snapshots.expiry
  }
  proxies = var.expose.mode == "bridge" && var.expose.address != null ? var.ports : {}

  # Where it is reached from outside.
  reached_at = length(var.ports) == 0 ? null : lookup({ bridge = var.expose.address, ovn = var.listen_address }, var.expose.mode, null)
}

resource "incus_storage_volume" "data" {
  count = local.persistent ? 1 : 0

  name        = "${var.name}-data"
  description = "Data of ${var.name}"
  pool        = var.pool
  target      = var.member
  config      = local.snapshots
  source_file = var.restore_from

  lifecycle {
    # A backup is what a new volume begins with, and says nothing about one that is there.
    ignore_changes = [source_file]
  }
}

resource "incus_instance" "service" {
  name        = var.name
  description = "Runs ${var.name}"
  image       = var.image
  profiles    = var.profiles
  target      = var.member

  dynamic "device" {
    for_each = incus_storage_volume.data
    content {
      name = "data"
      type = "disk"
      properties = {
        path   = var.data
        pool   = var.pool
        source = device.value.name
      }
    }
  }

  # On a bridge the host's own address leads in.
  dynamic "device" {
    for_each = local.proxies
    content {
      name = "proxy-${device.key}"
      type = "proxy"
      properties = {
        listen  = "tcp:${var.expose.address}:${device.value}"
        connect = "tcp:127.0.0.1:${device.value}"
      }
    }
  }

  # What the host keeps on its loopback is led in.
  dynamic "device" {
    for_each = var.host_ports
    content {
      name = "host-${device.key}"
      type = "proxy"
      properties = {
        bind    = "instance"
        listen  = "tcp:127.0.0.1:8443"
        connect = "tcp:${device.value}"
      }
    }
  }

  wait_for {
    type = "ipv4"
  }
}

# On OVN it is an address of the uplink.
resource "incus_network_lb" "service" {
  for_each = toset(var.expose.mode == "ovn" && length(var.ports) > 0 ? compact([var.listen_address]) : [])

  network        = var.expose.network
  description    = "The way to ${var.name}"
  listen_address = each.key

  backend {
    name           = var.name
    target_address = incus_instance.service.ipv4_address
  }

  dynamic "port" {
    for_each = var.ports
    content {
      protocol       = "tcp"
      listen_port    = port.value
      target_backend = [var.name]
    }
  }
}
