terraform {
  required_version = ">= 1.6"

  required_providers {
    incus = {
      source  = "lxc/incus"
      version = "~> 1.0"
    }
    tls = {
      source  = "hashicorp/tls"
      version = "~> 4.0"
    }
  }
}

provider "incus" {}

module "network" {
  source = "../modules/network"

  mode         = var.network.mode
  name         = var.name
  ipv4_address = var.network.ipv4_address
  parent       = var.network.parent
  uplink       = var.network.uplink
  zone         = var.network.mode == "physical" ? null : incus_network_zone.services.name
  members      = var.members
}

module "profiles" {
  source = "../modules/profiles"

  name         = var.name
  network      = module.network.name
  storage_pool = var.storage_pool
}

locals {
  # Also the order in which they are spread over the members, and over the addresses of load balancers.
  names = ["prometheus", "alertmanager", "loki", "alloy", "grafana", "mosquitto", "coredns", "step-ca", "cloudflared"]

  places = {
    for index, name in local.names : name => {
      prefix   = "${var.name}-"
      image    = var.image
      profiles = module.profiles.names
      pool     = var.storage_pool
      expiry   = var.snapshot_expiry
      expose = {
        mode    = var.network.mode
        network = module.network.name
        address = var.network.listen_address
      }
      member         = length(var.members) == 0 ? null : var.members[index % length(var.members)]
      listen_address = var.network.mode == "ovn" ? cidrhost(var.network.listen_routes, index) : null
      restore_from   = lookup(var.restore, name, null)
    }
  }
}

module "prometheus" {
  source = "../modules/prometheus"

  place      = local.places["prometheus"]
  incus      = var.network.mode == "bridge" ? var.incus_address : null
  persistent = !contains(var.forgetful, "prometheus")
  snapshots  = !contains(var.forgetful, "prometheus")
}

module "alertmanager" {
  source = "../modules/alertmanager"

  place      = local.places["alertmanager"]
  persistent = !contains(var.forgetful, "alertmanager")
  snapshots  = !contains(var.forgetful, "alertmanager")
}

module "loki" {
  source = "../modules/loki"

  place      = local.places["loki"]
  persistent = !contains(var.forgetful, "loki")
  snapshots  = !contains(var.forgetful, "loki")
}

module "alloy" {
  source = "../modules/alloy"

  place = local.places["alloy"]
}

module "grafana" {
  source = "../modules/grafana"

  place      = local.places["grafana"]
  persistent = !contains(var.forgetful, "grafana")
  snapshots  = !contains(var.forgetful, "grafana")
}

module "mosquitto" {
  source = "../modules/mosquitto"

  place      = local.places["mosquitto"]
  persistent = !contains(var.forgetful, "mosquitto")
  snapshots  = !contains(var.forgetful, "mosquitto")
}

module "coredns" {
  source = "../modules/coredns"

  place = local.places["coredns"]
}

module "step_ca" {
  source = "../modules/step-ca"

  place      = local.places["step-ca"]
  persistent = !contains(var.forgetful, "step-ca")
  snapshots  = !contains(var.forgetful, "step-ca")
}

module "cloudflared" {
  source = "../modules/cloudflared"

  place = local.places["cloudflared"]
}
