variable "name" {
  description = "Name of the service and of its container."
  type        = string
}

variable "image" {
  description = "Image of the container."
  type        = string
}

variable "profiles" {
  description = "Profiles of the container."
  type        = list(string)
}

variable "pool" {
  description = "Pool of the data volume."
  type        = string
}

variable "member" {
  description = "Member of the cluster that it is on; the server's choice if null."
  type        = string
  default     = null
}

variable "data" {
  description = "Where the service keeps its data; null for a service that keeps none."
  type        = string
  default     = null
}

variable "snapshots" {
  description = "When the data volume is copied, and how long a copy is kept; null for no copies."
  type = object({
    schedule = optional(string, "@daily")
    expiry   = optional(string, "1w")
  })
  default = {}
}

variable "restore_from" {
  description = "Backup that a new data volume begins with."
  type        = string
  default     = null
}

variable "ports" {
  description = "Ports that lead in from outside, by name."
  type        = map(number)
  default     = {}
}

variable "expose" {
  description = "How they do: in mode bridge from an address of the host, in mode ovn by a load balancer of the network."
  type = object({
    mode    = string
    network = optional(string, "")
    address = optional(string)
  })
  default = { mode = "physical" }
}

variable "listen_address" {
  description = "Address of the load balancer in mode ovn."
  type        = string
  default     = null
}

variable "host_ports" {
  description = "What of the host the container has at its own 127.0.0.1:8443, as HOST:PORT, by name."
  type        = map(string)
  default     = {}
}
