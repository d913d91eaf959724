variable "place" {
  description = "Where the container is, and what it is made from."
  type = object({
    prefix         = string
    image          = string
    profiles       = list(string)
    pool           = string
    expose         = object({ mode = string, network = optional(string), address = optional(string) })
    member         = optional(string)
    listen_address = optional(string)
    expiry         = optional(string, "2w")
    restore_from   = optional(string)
  })
}

variable "persistent" {
  description = "Whether its data outlive the container."
  type        = bool
  default     = true
}

variable "snapshots" {
  description = "Whether its data are copied now and then."
  type        = bool
  default     = true
}

variable "incus" {
  description = "Where Incus answers HTTPS on its host, as HOST:PORT; the container has it at 127.0.0.1:8443."
  type        = string
  default     = null
}
