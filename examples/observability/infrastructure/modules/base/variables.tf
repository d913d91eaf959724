variable "name" {
  description = "Prefix of the network and the profiles."
  type        = string
}

variable "ipv4_address" {
  description = "Address of the bridge, with the length of its network."
  type        = string
}

variable "storage_pool" {
  description = "Pool for the root disks."
  type        = string
  default     = "default"
}
