#!/bin/sh
# stop.sh: ends a tree that `make demo KEEP=1` left. Only processes whose numbers
# are in BUILD/demo/run, and only if they are still what was started there.
run=${BUILD:-build}/demo/run
found=
for file in "$run"/*.pid; do
	[ -s "$file" ] || continue
	pid=$(cat "$file")
	case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
	*guantongd*"$run"/* | *relay.py*)
		kill -TERM "$pid" && timeout 20 tail --pid="$pid" -f /dev/null
		found=1
		;;
	esac
	rm -f "$file"
done
[ -n "$found" ] || [ "$1" = quiet ] || echo "nothing is running"
exit 0
