#!/bin/bash
# campaign.sh SIMULATE MINUTES [options]: seeds nobody has run, for that long;
# the sum goes to CAMPAIGN.md and to the last line of the output.
set -u
cd "$(dirname "$0")/../.." || exit 1
sim=$1 minutes=$2
shift 2
from=$(date +%s)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"$sim" "$from" --campaign "$minutes" -q "$@" | tee "$log"
status=${PIPESTATUS[0]}
{
	echo
	echo "## $(date -u +%F), $minutes minutes, seeds from $from${*:+ ($*)}, $(git describe --always 2>/dev/null)"
	echo
	sed 's/^/    /' "$log"
} >>tests/sim/CAMPAIGN.md
exit "$status"
