# One network, whatever carries it: a bridge of our own, a physical interface, or OVN.

terraform {
  required_providers {
    incus = { source = "lxc/incus" }
  }
}

locals {
  own = {
    "ipv4.address" = var.ipv4_address
    "ipv4.nat"     = "true"
    "ipv6.address" = "none"
  }
  zone = var.zone == null ? {} : { "dns.zone.forward" = var.zone }

  config = {
    bridge   = merge(local.own, local.zone)
    ovn      = merge(local.own, local.zone, { network = coalesce(var.uplink, "none") })
    physical = merge(length(var.members) == 0 ? local.parent : {}, var.physical)
  }
  parent = var.parent == null ? {} : { parent = var.parent }
}

# In a cluster each member has its part of a network first; an OVN network is the cluster's as a whole.
resource "incus_network" "member" {
  for_each = var.mode == "ovn" ? [] : toset(var.members)

  name   = var.name
  type   = var.mode
  target = each.key
  config = var.mode == "physical" ? local.parent : {}
}

resource "incus_network" "this" {
  name        = var.name
  description = "Network of the services, by ${var.mode}"
  type        = var.mode
  config      = local.config[var.mode]

  depends_on = [incus_network.member]
}
