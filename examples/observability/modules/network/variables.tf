variable "mode" {
  description = "What carries the network."
  type        = string

  validation {
    condition     = contains(["bridge", "physical", "ovn"], var.mode)
    error_message = "The mode is bridge, physical or ovn."
  }
}

variable "name" {
  description = "Name of the network."
  type        = string
}

variable "ipv4_address" {
  description = "Address of the network's router, with the length of the network; a physical network has its own."
  type        = string
  default     = null
}

variable "parent" {
  description = "Interface of the host, or of every member, that a physical network is on."
  type        = string
  default     = null
}

variable "physical" {
  description = "More settings of a physical network, such as the addresses that OVN networks may use."
  type        = map(string)
  default     = {}
}

variable "uplink" {
  description = "Physical network that an OVN network gets out by."
  type        = string
  default     = null
}

variable "zone" {
  description = "DNS zone in which machines of the network are known."
  type        = string
  default     = null
}

variable "members" {
  description = "Members of the cluster; none for a single server."
  type        = list(string)
  default     = []
}
