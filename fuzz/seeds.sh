#!/bin/sh
# Cuts the test cases of the language into one file each.
set -eu
cd "$(dirname "$0")"
cases=../crates/strata-hcl/tests/cases
mkdir -p seeds/format seeds/expressions
awk -v RS='---\n' '{ printf "%s", $0 > ("seeds/format/" NR ".tf") }' "$cases/format.txt"
grep -v '^# ' "$cases/expressions.txt" | awk 'NF { printf "%s", $0 > ("seeds/expressions/" NR); close("seeds/expressions/" NR) }'
