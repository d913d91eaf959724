terraform {
  required_providers {
    proxmox = {
      source = "bpg/proxmox"
    }
  }
}

resource "proxmox_virtual_environment_container" "this" {
  node_name    = var.node
  vm_id        = var.vm_id
  unprivileged = true
  tags         = var.tags

  operating_system {
    template_file_id = var.image
    type             = "debian"
  }

  cpu {
    cores = var.cores
  }

  memory {
    dedicated = var.memory
  }

  disk {
    datastore_id = var.datastore
    size         = var.disk
  }

  network_interface {
    name     = "eth0"
    bridge   = "vmbr0"
    firewall = true
  }

  initialization {
    hostname = var.name

    ip_config {
      ipv4 {
        address = var.address
        gateway = var.gateway
      }
    }

    user_account {
      keys = [var.ssh_public_key]
    }
  }

  lifecycle {
    # Needed to make it; Proxmox VE does not tell them afterwards, so that an import has neither.
    ignore_changes = [operating_system, initialization[0].user_account]
  }
}
