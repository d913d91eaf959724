variable "name" {
  description = "Prefix of everything that is made, and name of the network."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,8}$", var.name))
    error_message = "The name must begin with a letter and have 2 to 9 lower-case letters and digits."
  }
}

variable "image" {
  description = "Image of the containers: Debian 12 with systemd."
  type        = string
}

variable "storage_pool" {
  description = "Pool for root disks and data volumes."
  type        = string
  default     = "default"
}

variable "members" {
  description = "Members of the cluster; none for a single server."
  type        = list(string)
  default     = []
}

variable "network" {
  description = "What carries the network of the services, and how they are reached from outside."
  type = object({
    mode           = string
    ipv4_address   = optional(string)
    parent         = optional(string)
    listen_address = optional(string)
    uplink         = optional(string)
    listen_routes  = optional(string)
  })

  validation {
    condition     = var.network.mode != "ovn" || (var.network.uplink != null && var.network.listen_routes != null)
    error_message = "Mode ovn needs an `uplink`, and `listen_routes` for load balancers."
  }
}

variable "domain" {
  description = "DNS zone of the services."
  type        = string
}

variable "forgetful" {
  description = "Services whose data need not outlive their containers."
  type        = set(string)
  default     = []
}

variable "snapshot_expiry" {
  description = "How long a copy of a data volume is kept."
  type        = string
  default     = "2w"
}

variable "restore" {
  description = "Backups that new data volumes begin with, by service."
  type        = map(string)
  default     = {}
}

variable "federate" {
  description = "Servers of Prometheus, as HOST:PORT, whose metrics are taken over: those of environments below this one."
  type        = list(string)
  default     = []
}

variable "federate_authority" {
  description = "File with the certificate of the authority that vouches for them, which their own run leaves there; the environment's own if null."
  type        = string
  default     = null
}

variable "incus_address" {
  description = "Address that Incus answers HTTPS at, for its metrics; none where it does not."
  type        = string
  default     = null
}
