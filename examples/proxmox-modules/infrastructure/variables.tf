variable "environment" {
  description = "Name of the environment; the names of machines begin with it."
  type        = string
}

variable "node" {
  description = "Node of the cluster that everything is on."
  type        = string
}

variable "template_id" {
  description = "VM id of the template that machines are cloned from."
  type        = number
}

variable "container_image" {
  description = "Image that containers are made from."
  type        = string
  default     = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"
}

variable "ssh_public_key" {
  description = "Key of who logs in to the machines."
  type        = string
}

variable "vm_id_range" {
  description = "VM ids of this environment; `strata check` holds every machine against it."
  type        = object({ min = number, max = number })
}

variable "network" {
  description = "Network of the environment; its first address is the gateway."
  type        = string

  validation {
    condition     = can(cidrhost(var.network, 1))
    error_message = "The network needs the form 10.99.1.0/24."
  }
}

variable "web" {
  description = "How many web servers there are, and what each is like."
  type = object({
    count  = number
    cores  = optional(number, 1)
    memory = optional(number, 1024)
    ports  = optional(list(number), [80, 443])
  })

  validation {
    condition     = var.web.count >= 0 && var.web.count <= 50
    error_message = "There may be 0 to 50 web servers."
  }
}

variable "containers" {
  description = "Containers by name; the number of each makes its VM id and its address."
  type = map(object({
    number = number
    cores  = optional(number, 1)
    memory = optional(number, 512)
  }))
  default = {}
}

variable "recover" {
  description = "Take what is there already into the state, after that was lost."
  type        = bool
  default     = false
}
