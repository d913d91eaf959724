output "instances" {
  description = "Its host, for the inventory."
  value       = { (module.service.name) = { ipv4_address = module.service.ipv4_address } }
}

output "address" {
  value = module.service.ipv4_address
}
