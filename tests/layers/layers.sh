#!/bin/bash
# layers.sh ROOT OBJECTS: the rooms depend in one direction, proto <- src <-
# daemon, and the lower two cannot reach the world. Proved three ways: by what
# they include, by which symbols their objects leave undefined, and by the SQL
# they say. Prints every violation; exit status 1 if there is one.
set -u
root=$1 objects=$2
here=$(cd "$(dirname "$0")" && pwd)
bad=0

violation()
{
	echo "layers: $*"
	bad=1
}

# ------------------------------------------------------------------ includes
# Quoted names must be a header of the room itself or of one below it; names in
# angles must be on the room's list.
includes()
{
	local room=$1 list=$2 file line name dir found
	shift 2
	for file in "$root/$room"/*.[ch]; do
		[ -e "$file" ] || continue
		while IFS= read -r line; do
			name=$(sed -E 's/^[^<"]*[<"]([^>"]*)[>"].*/\1/' <<<"$line")
			if [[ $line == *'<'* ]]; then
				grep -qxE "$list" <<<"$name" ||
					violation "${file#"$root"/} includes <$name>, which $room/ may not use"
				continue
			fi
			found=
			for dir in "$room" "$@"; do
				[ -e "$root/$dir/$name" ] && [[ $name != */* ]] && found=1
			done
			[ "$name" = guantong.pb-c.h ] && found=1
			[ -n "$found" ] ||
				violation "${file#"$root"/} includes \"$name\", which is not in $room/ or below"
		done < <(grep -E '^[[:space:]]*#[[:space:]]*include' "$file")
	done
}
std='(assert|ctype|errno|float|inttypes|limits|math|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|string)\.h'
core="$std|sqlite3\.h|zstd(_errors)?\.h|jansson\.h|openssl/[a-z0-9_]+\.h|protobuf-c/protobuf-c\.h"
includes proto "$std|protobuf-c/protobuf-c\.h"
includes src "$core" proto

# ------------------------------------------------------------------- symbols
# Objects of the sources that are there now, not of ones long deleted.
room_objects()
{
	local file
	for file in "$root/$1"/*.c; do
		[ -e "$file" ] && echo "$objects/$1/$(basename "$file" .c).o"
	done
	[ "$1" = proto ] && echo "$objects/gen/guantong.pb-c.o"
}
mapfile -t proto_o < <(room_objects proto)
mapfile -t src_o < <(room_objects src)
mapfile -t daemon_o < <(room_objects daemon)
for o in "${proto_o[@]}" "${src_o[@]}"; do
	[ -e "$o" ] || violation "$o is not built"
done
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
defined()
{
	nm --defined-only "$@" 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-Z]/ {print $3}' | sort -u
}
defined "${proto_o[@]}" >"$tmp/proto"
defined "${src_o[@]}" >"$tmp/src"
daemon_built=()
for o in "${daemon_o[@]}"; do
	[ -e "$o" ] && daemon_built+=("$o")
done
: >"$tmp/daemon"
[ ${#daemon_built[@]} -eq 0 ] || defined "${daemon_built[@]}" >"$tmp/daemon"

# Not even through a library that is allowed: these open files, sleep, read a
# clock or make random numbers.
world='^(open|openat|creat|read|write|pread|pwrite|readv|writev|close|fopen|fdopen|freopen|fread|fwrite|fputs|fputc|puts|putchar|printf|vprintf|fprintf|vfprintf|perror|remove|rename|unlink|mkdir|stat|fstat|lstat|fsync|fdatasync|ftruncate|mmap|socket|connect|bind|listen|accept|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|select|epoll_.*|time|clock|clock_gettime|gettimeofday|localtime.*|gmtime.*|mktime|strftime|rand|rand_r|random|srand|srandom|getrandom|getentropy|nanosleep|usleep|sleep|alarm|signal|sigaction|kill|fork|exec.*|system|popen|getenv|secure_getenv|setenv|exit|_exit|pthread_.*|thrd_.*|mtx_.*|cnd_.*|uv_.*|nng_.*|nni_.*|yaml_.*|curl_.*|MHD_.*|sd_.*|SSL_.*|RAND_.*|sqlite3_open.*|sqlite3_sleep|sqlite3_randomness|json_load_file|json_load_callback|json_loadf|json_loadfd|json_dump_file|json_dumpf|json_dumpfd|BIO_new_file|BIO_new_fp|.*_fp)$'

symbols()
{
	local room=$1 o
	shift
	for o in "$@"; do
		[ -e "$o" ] || continue
		nm -u "$o" | awk '{print $2}' | sed 's/@.*//' | sort -u >"$tmp/undefined"
		local who=${o#"$objects"/}
		# what a higher room defines
		case $room in
		proto) sort -u "$tmp/src" "$tmp/daemon" >"$tmp/above" ;;
		src) cp "$tmp/daemon" "$tmp/above" ;;
		esac
		sort -u "$tmp/proto" $([ "$room" = src ] && echo "$tmp/src") >"$tmp/own"
		while IFS= read -r s; do
			violation "$who needs $s, which is defined above $room/"
		done < <(comm -12 "$tmp/undefined" "$tmp/above" | comm -23 - "$tmp/own")
		while IFS= read -r s; do
			violation "$who calls $s, which reaches the world"
		done < <(comm -23 "$tmp/undefined" "$tmp/own" | grep -E "$world")
		# the rest must be known to be harmless
		while IFS= read -r s; do
			violation "$who calls $s, which is not in tests/layers/allowed.$room"
		done < <(comm -23 "$tmp/undefined" "$tmp/own" | comm -23 - "$tmp/above" |
			grep -vE "$world" | grep -vxE -f <(grep -v '^#' "$here/allowed.$room"))
	done
}
symbols proto "${proto_o[@]}"
symbols src "${src_o[@]}"

# ----------------------------------------------------------------------- SQL
# SQLite has a clock and a generator of its own.
while IFS= read -r line; do
	violation "${line#"$root"/}: SQL that asks the clock or for randomness"
done < <(grep -nEi "['\"(]now['\")]|\b(random|randomblob)\(|current_(time|date|timestamp)|__(DATE|TIME|TIMESTAMP)__" \
	"$root"/src/*.[ch] "$root"/proto/*.[ch] 2>/dev/null)

[ "$bad" -eq 0 ] && echo "layers ok"
exit "$bad"
