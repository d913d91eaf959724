variable "node" {
  description = "Node that the machines are on."
  type        = string
}

variable "template_id" {
  description = "VM id of a Debian 12 template with cloud-init and the guest agent."
  type        = number
}

variable "web_count" {
  description = "How many web servers there are."
  type        = number

  validation {
    condition     = var.web_count >= 0 && var.web_count <= 50
    error_message = "There may be 0 to 50 web servers."
  }
}

variable "web_memory" {
  description = "Memory of a web server in MiB."
  type        = number
  default     = 1024
}

variable "vm_id_range" {
  description = "VM ids of the web servers."
  type        = object({ min = number, max = number })
  default     = { min = 200, max = 299 }
}

variable "network" {
  description = "Network of the machines; its first address is the gateway."
  type        = string
  default     = "10.99.0.0/24"
}

variable "ssh_public_key" {
  description = "Key of who logs in to the machines."
  type        = string
}
