#!/bin/sh
# Exports the data volume of a service to backups/, in the form that a new volume can begin with.
#
#   ./backup.sh cluster01 mosquitto
#
# RESTORE=mosquitto strata up cluster01    makes the volume of its backup, where there is none.
set -eu
cd "$(dirname "$0")"

environment=${1:?the environment, such as cluster01}
service=${2:?the service, such as mosquitto}

mkdir -p backups
incus storage volume export "${POOL:-default}" "$environment-$service-data" "backups/$service.tar.gz.new"
mv "backups/$service.tar.gz.new" "backups/$service.tar.gz"
