output "name" {
  value = incus_instance.service.name
}

output "ipv4_address" {
  value = incus_instance.service.ipv4_address
}

output "instances" {
  description = "Its host, for the inventory: where it is, and where it is reached from outside."
  value = {
    (incus_instance.service.name) = merge(
      { ipv4_address = incus_instance.service.ipv4_address },
      local.reached_at == null ? {} : { listen_address = local.reached_at },
    )
  }
}
