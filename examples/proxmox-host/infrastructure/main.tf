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
  web = {
    for index in range(var.web_count) : "web-${index + 1}" => {
      vm_id   = var.vm_id_range.min + index
      address = cidrhost(var.network, 20 + index)
    }
  }
}

resource "proxmox_virtual_environment_vm" "web" {
  for_each = local.web

  name      = each.key
  node_name = var.node
  vm_id     = each.value.vm_id
  tags      = ["web"]

  clone {
    vm_id = var.template_id
    full  = true
  }

  agent {
    enabled = true
  }

  cpu {
    cores = 1
  }

  memory {
    dedicated = var.web_memory
  }

  disk {
    datastore_id = "local-lvm"
    interface    = "scsi0"
    size         = 8
  }

  network_device {
    bridge = "vmbr0"
  }

  initialization {
    datastore_id = "local-lvm"

    ip_config {
      ipv4 {
        address = "${each.value.address}/${split("/", var.network)[1]}"
        gateway = cidrhost(var.network, 1)
      }
    }

    user_account {
      username = "debian"
      keys     = [var.ssh_public_key]
    }
  }
}
