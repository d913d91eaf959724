terraform {
  required_providers {
    proxmox = {
      source = "bpg/proxmox"
    }
  }
}

resource "proxmox_virtual_environment_vm" "this" {
  name      = var.name
  node_name = var.node
  vm_id     = var.vm_id
  tags      = var.tags

  clone {
    vm_id = var.template_id
    full  = true
  }

  agent {
    enabled = true
  }

  cpu {
    cores = var.cores
  }

  memory {
    dedicated = var.memory
  }

  disk {
    datastore_id = var.datastore
    interface    = "scsi0"
    size         = var.disk
  }

  network_device {
    bridge   = "vmbr0"
    firewall = true
  }

  initialization {
    datastore_id = var.datastore

    ip_config {
      ipv4 {
        address = var.address
        gateway = var.gateway
      }
    }

    user_account {
      username = "debian"
      keys     = [var.ssh_public_key]
    }
  }
}

resource "proxmox_virtual_environment_firewall_options" "this" {
  node_name    = var.node
  vm_id        = proxmox_virtual_environment_vm.this.vm_id
  enabled      = true
  input_policy = "DROP"
}

resource "proxmox_virtual_environment_firewall_rules" "this" {
  node_name = var.node
  vm_id     = proxmox_virtual_environment_vm.this.vm_id

  dynamic "rule" {
    for_each = var.rules
    content {
      type    = "in"
      action  = "ACCEPT"
      comment = rule.value.comment
      proto   = rule.value.proto
      dport   = rule.value.port
      source  = rule.value.source
    }
  }
}
