#!/bin/sh
# The state of an environment is lost: brings it back from a copy, or from what is there.
#
#   ./recover.sh backup dev     keeps a copy of the state in backups/
#   ./recover.sh restore dev    puts the copy back, refreshes it, and makes what is missing
#   ./recover.sh adopt dev      without a copy: takes over all that is there
#
# OPTIONS=--twin rehearses it on the model. STRATA is the program, if it is not on the path.
set -eu
cd "$(dirname "$0")"

action=${1:?backup, restore or adopt}
environment=${2:?the environment, such as dev}
strata=${STRATA:-strata}
options=${OPTIONS:-}
copy=backups/$environment.tfstate

case $options in
*--twin*) state=.strata/twin/$environment/machines.tfstate ;;
*) state=infrastructure/terraform.tfstate.d/$environment/terraform.tfstate ;;
esac

case $action in
backup)
  mkdir -p backups
  cp "$state" "$copy.new"
  mv "$copy.new" "$copy"
  ;;
restore)
  mkdir -p "$(dirname "$state")"
  cp "$copy" "$state"
  # A plan asks the cluster for everything in the state first: what changed since the copy is told.
  # shellcheck disable=SC2086
  "$strata" plan "$environment" $options
  # shellcheck disable=SC2086
  "$strata" up "$environment" $options
  ;;
adopt)
  # shellcheck disable=SC2086
  TF_VAR_recover=true "$strata" up "$environment" $options
  ;;
*)
  echo "there is no action $action" >&2
  exit 2
  ;;
esac
