variable "name" {
  description = "Prefix of the profiles."
  type        = string
}

variable "network" {
  description = "Name of the network."
  type        = string
}

variable "storage_pool" {
  description = "Pool for the root disks."
  type        = string
  default     = "default"
}
