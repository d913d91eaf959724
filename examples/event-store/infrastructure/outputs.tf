output "address" {
  description = "Address of the machine."
  value       = local.address
}

output "event_store_instances" {
  value = {
    (proxmox_virtual_environment_vm.event_store.name) = { ansible_host = local.address }
  }
}
