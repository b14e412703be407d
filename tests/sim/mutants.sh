#!/bin/bash
# mutants.sh BUILD_DIR [NAME...]: does the simulator see what it should?
#
# Each row of mutants.txt spoils one promise in a copy of one file. The copy is
# compiled and linked in place of the true one, and seeds run until a check
# fails. A mutant that lives through all its seeds is a hole in the checks.
# Ends with "N passed, N failed".
set -u
cd "$(dirname "$0")/../.." || exit 1
B=$1
shift
CC=${CC:-cc}
SEEDS=${SEEDS:-60}
out=$B/mutants
mkdir -p "$out"
passed=0 failed=0

objects()
{
	find "$B/src" "$B/proto" "$B/gen" "$B/tests/sim" -name '*.o' 2>/dev/null | grep -vF "/$1.o" | sort
}

build()
{
	local file=$1 name=$2
	local stem=${file%.c}
	local include="-iquote src -iquote proto -isystem $(dirname "$B")/gen"
	case $file in
	tests/*) include="-iquote tests/sim -iquote tests -iquote tests/support -iquote daemon $include" ;;
	esac
	# shellcheck disable=SC2086
	$CC -std=c17 -D_POSIX_C_SOURCE=200809L -O1 -w -iquote "$(dirname "$file")" $include \
		-c "$out/$name.c" -o "$out/$name.o" &&
		$CC "$out/$name.o" $(objects "$stem") -lsqlite3 -lzstd -ljansson -lprotobuf-c -lcrypto -lm \
			-o "$out/$name"
}

# mutate FILE FROM TO: exactly one place, or the row is out of date
mutate()
{
	/usr/bin/python3 - "$@" <<'P'
import sys
file, old, new, out = sys.argv[1:5]
text = open(file, encoding="utf-8").read()
old, new = (s.replace("\\n", "\n").replace("\\t", "\t") for s in (old, new))
if text.count(old) != 1:
    sys.exit(f"{file}: the text to change is there {text.count(old)} times: {old!r}")
open(out, "w", encoding="utf-8").write(text.replace(old, new))
P
}

while IFS='|' read -r name file expect options old new; do
	case $name in '' | \#*) continue ;; esac
	if [ $# -gt 0 ] && ! grep -qxF "$name" <(printf '%s\n' "$@"); then
		continue
	fi
	if ! mutate "$file" "$old" "$new" "$out/$name.c" || ! build "$file" "$name"; then
		echo "$name: cannot be built"
		failed=$((failed + 1))
		continue
	fi
	seen=
	for ((seed = 1; seed <= SEEDS; seed++)); do
		# shellcheck disable=SC2086
		line=$(timeout 120 "$out/$name" "$seed" -q $options 2>&1)
		status=$?
		if [ $status -ne 0 ]; then
			seen=$(grep -o "trace=.*" <<<"$line" | head -n 1 | sed -E 's/^trace=[0-9a-f]+ //; s/([a-z-]+=[0-9]+ )*//')
			[ -n "$seen" ] || seen="stopped: $(grep -m 1 -i assert <<<"$line")"
			break
		fi
	done
	if [ -z "$seen" ]; then
		echo "$name: NOT caught in $SEEDS seeds"
		failed=$((failed + 1))
	elif ! grep -qE "^($expect)" <<<"$seen"; then
		echo "$name: caught by another check than $expect: $seen"
		failed=$((failed + 1))
	else
		printf '%-32s caught after %2d seed(s): %.90s\n' "$name" "$seed" "$seen"
		passed=$((passed + 1))
	fi
	rm -f "$out/$name"
done <tests/sim/mutants.txt
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
