terraform {
  required_version = ">= 1.6"

  required_providers {
    proxmox = {
      source  = "bpg/proxmox"
      version = "~> 0.111"
    }
  }
}

# Endpoint and API token come from PROXMOX_VE_ENDPOINT and PROXMOX_VE_API_TOKEN.
provider "proxmox" {}

locals {
  # Scaling is a number: the machines are named, numbered and addressed one after the other.
  web = {
    for index in range(var.web.count) : "${var.environment}-web-${index + 1}" => {
      vm_id   = var.vm_id_range.min + index
      address = "${cidrhost(var.network, 10 + index)}/${split("/", var.network)[1]}"
    }
  }

  containers = {
    for name, container in var.containers : "${var.environment}-${name}" => merge(container, {
      vm_id   = var.vm_id_range.max - container.number
      address = "${cidrhost(var.network, 200 + container.number)}/${split("/", var.network)[1]}"
    })
  }

  gateway = cidrhost(var.network, 1)
}

module "web" {
  source   = "../modules/vm"
  for_each = local.web

  name           = each.key
  node           = var.node
  vm_id          = each.value.vm_id
  template_id    = var.template_id
  tags           = [var.environment, "web"]
  cores          = var.web.cores
  memory         = var.web.memory
  address        = each.value.address
  gateway        = local.gateway
  ssh_public_key = var.ssh_public_key

  rules = concat(
    [for port in var.web.ports : { comment = "web", port = tostring(port) }],
    [{ comment = "ssh from this network", port = "22", source = var.network }],
  )
}

module "container" {
  source   = "../modules/lxc"
  for_each = local.containers

  name           = each.key
  node           = var.node
  vm_id          = each.value.vm_id
  image          = var.container_image
  tags           = [var.environment]
  cores          = each.value.cores
  memory         = each.value.memory
  address        = each.value.address
  gateway        = local.gateway
  ssh_public_key = var.ssh_public_key
}
