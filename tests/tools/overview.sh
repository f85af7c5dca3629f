#!/usr/bin/env bash
# Draws the README's pictures: an invented server through the real drawing code. Seconds, and no machine is read.
#   tests/tools/overview.sh [FOLDER [NAME …]]        default: assets, all pictures
set -euo pipefail
cd "$(dirname "$0")/../.."
# The clock of the header is in the zone of who draws.
TZ=UTC cargo run --quiet --locked --example picture -- "${@:-assets}"
