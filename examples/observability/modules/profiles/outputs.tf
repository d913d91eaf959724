output "names" {
  description = "Profiles that a service's container composes, in this order."
  value       = [incus_profile.base.name, incus_profile.network.name]
}
