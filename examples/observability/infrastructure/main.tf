terraform {
  required_version = ">= 1.6"

  required_providers {
    incus = {
      source  = "lxc/incus"
      version = "~> 1.0"
    }
  }
}

provider "incus" {}

module "network" {
  source = "../modules/network"

  mode         = "bridge"
  name         = substr(var.name, 0, 15)
  ipv4_address = var.ipv4_address
}

module "profiles" {
  source = "../modules/profiles"

  name         = var.name
  network      = module.network.name
  storage_pool = var.storage_pool
}

module "service" {
  source   = "../modules/service"
  for_each = local.services

  name     = each.key
  image    = var.image
  profiles = module.profiles.names
  pool     = var.storage_pool
  data     = each.value.data
  snapshots = {
    schedule = each.value.snapshot_schedule
    expiry   = var.snapshot_expiry
  }
}

locals {
  services = {
    prometheus = {
      data              = "/var/lib/prometheus"
      snapshot_schedule = "@daily"
    }
    alertmanager = {
      data              = "/var/lib/prometheus/alertmanager"
      snapshot_schedule = "@daily"
    }
    mosquitto = {
      data              = "/var/lib/mosquitto"
      snapshot_schedule = "@hourly"
    }
  }

  instances = {
    for name, service in module.service : name => {
      (service.name) = { ipv4_address = service.ipv4_address }
    }
  }
}
