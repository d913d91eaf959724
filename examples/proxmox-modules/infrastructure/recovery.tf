# With `recover` set, all that is there already is taken into an empty state: see README.md.

import {
  for_each = var.recover ? local.web : {}
  to       = module.web[each.key].proxmox_virtual_environment_vm.this
  id       = "${var.node}/${each.value.vm_id}"
}

import {
  for_each = var.recover ? local.web : {}
  to       = module.web[each.key].proxmox_virtual_environment_firewall_options.this
  id       = "vm/${var.node}/${each.value.vm_id}"
}

import {
  for_each = var.recover ? local.web : {}
  to       = module.web[each.key].proxmox_virtual_environment_firewall_rules.this
  id       = "vm/${var.node}/${each.value.vm_id}"
}

import {
  for_each = var.recover ? local.containers : {}
  to       = module.container[each.key].proxmox_virtual_environment_container.this
  id       = "${var.node}/${each.value.vm_id}"
}
