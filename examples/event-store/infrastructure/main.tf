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
  # Without the length of the network.
  address = split("/", var.vm.address)[0]
}

resource "proxmox_virtual_environment_vm" "event_store" {
  name      = var.vm.name
  node_name = var.vm.node
  tags      = ["event-store"]

  clone {
    vm_id = var.vm.template_id
    full  = true
  }

  agent {
    enabled = true
  }

  cpu {
    cores = var.vm.cores
    type  = "host"
  }

  memory {
    dedicated = var.vm.memory
  }

  network_device {
    bridge = "vmbr0"
  }

  # What a playbook needs to get in, and nothing else.
  initialization {
    datastore_id = var.datastore

    ip_config {
      ipv4 {
        address = var.vm.address
        gateway = var.vm.gateway
      }
    }

    user_account {
      username = "debian"
      keys     = [var.vm.ssh_public_key]
    }
  }
}
