variable "name" {
  description = "Prefix of everything that is made."
  type        = string
  default     = "observability"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.name))
    error_message = "The name must begin with a letter and have 2 to 15 lower-case letters, digits or dashes."
  }
}

variable "image" {
  description = "Image of the containers: Debian 12 with systemd."
  type        = string
  default     = "debian/12"
}

variable "ipv4_address" {
  description = "Address of the bridge, with the length of its network."
  type        = string
  default     = "10.78.0.1/24"

  validation {
    condition     = can(cidrhost(var.ipv4_address, 1))
    error_message = "The address needs the form 10.78.0.1/24."
  }
}

variable "storage_pool" {
  description = "Pool for root disks and data volumes."
  type        = string
  default     = "default"
}

variable "snapshot_expiry" {
  description = "How long a snapshot of a data volume is kept."
  type        = string
  default     = "2w"
}

variable "scrape_interval" {
  description = "How often Prometheus asks its targets."
  type        = string
  default     = "15s"
}
