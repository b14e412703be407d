#!/bin/bash
# demo.sh: the whole job on five real nodes on loopback, linked by mutual TLS.
# Called by `make demo`. KEEP=1 leaves the tree running. Waits for events, never
# for time to pass. Everything is in BUILD/demo; only processes started here are
# stopped, by their number.
set -euo pipefail
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-$PWD/build} KEEP=${KEEP:-}
BIN=${GUANTONG_BIN:-$BUILD/release}
PY=/usr/bin/python3
demo=$BUILD/demo
run=$demo/run
content=$demo/content
codes=(33 3301 330106 330106109 330106109210)
declare -A name=([33]=province [3301]=city [330106]=county [330106109]=township [330106109210]=village)
declare -A zh=([33]=省 [3301]=市 [330106]=县 [330106109]=乡镇 [330106109210]=村)
province=33 county=330106 township=330106109 village=330106109210
export LC_ALL=C.UTF-8 GUANTONG_LANG=${GUANTONG_LANG:-en}
step=0 began=$SECONDS

say() { printf '\n\033[1m%d  %s · %s\033[0m  (%d s)\n' $((++step)) "$1" "$2" $((SECONDS - began)); }
# A plain terminal log has no colours.
[ -t 1 ] || say() { printf '\n%d  %s · %s  (%d s)\n' $((++step)) "$1" "$2" $((SECONDS - began)); }
note() { printf '  %s\n' "$*"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
# guantong on a node, by code; shown as one would type it
gt() { local code=$1; shift; "$BIN/guantong" -C "$run/$code" "$@"; }
shown() { printf '  $ guantong -C %s' "$1"; printf ' %q' "${@:2}"; echo; gt "$@" | sed 's/^/    /'; }

# ------------------------------------------------------------------ processes

start()
{
	"$PY" tests/support/start.py --pid "$run/$1.pid" --log "$run/$1.log" -- \
		"$BIN/guantongd" -C "$run/$1"
}
# Ends the process in a pid file, if it is still the one that was started.
stop_pid()
{
	local file=$1 signal=$2 pid
	[ -s "$file" ] || return 0
	pid=$(cat "$file")
	rm -f "$file"
	kill -"$signal" "$pid" 2>/dev/null || return 0
	timeout 20 tail --pid="$pid" -f /dev/null || kill -KILL "$pid" 2>/dev/null || true
}
stop_all()
{
	local code
	for code in "${codes[@]}" relay; do
		stop_pid "$run/$code.pid" TERM
	done
}
ended=
finish()
{
	local status=$?
	[ -n "$ended" ] && exit "$status"
	stop_all
	if [ "$status" -ne 0 ]; then
		for code in "${codes[@]}"; do
			[ -s "$run/$code.log" ] || continue
			echo "---- $run/$code.log" >&2
			tail -n 12 "$run/$code.log" >&2
		done
		echo "demo: failed" >&2
	fi
	exit "$status"
}

# A tree left by KEEP=1 is stopped before its folder is used again.
tests/demo/stop.sh quiet
trap finish EXIT
trap 'exit 130' INT TERM
rm -rf "$run"
mkdir -p "$run"

# ------------------------------------------------------------------------ job

say '准备真实内容' 'real content'
tests/demo/content.sh "$content"
note "$(find "$content" -type f | wc -l) files, $(du -sh "$content" | cut -f1), from Debian's documentation and ffmpeg"

say '密钥与证书' 'keys and certificates for the tree in seeds/tree.yaml'
"$BIN/guantong" pki create seeds/tree.yaml "$run/pki" | sed 's/^/  /'

say '五个节点目录' 'five node directories'
read -r -a ports < <("$PY" - <<'P'
import sys
sys.path.insert(0, "tests/e2e")
from tree import free_ports
print(*free_ports(21))
P
)
declare -A link http
for i in 0 1 2 3 4; do
	code=${codes[i]}
	link[$code]=${ports[i * 2]} http[$code]=${ports[i * 2 + 1]}
	args=(--code "$code" --pki "$run/pki" --http "127.0.0.1:${http[$code]}"
		--content "127.0.0.1:${ports[11 + i * 2]}" --staff "127.0.0.1:${ports[12 + i * 2]}")
	[ "$code" = $village ] || args+=(--listen "127.0.0.1:${link[$code]}")
	if [ "$i" -gt 0 ]; then
		parent=${codes[i - 1]}
		at=${link[$parent]}
		# between county and city there is a relay that can be cut
		[ "$code" = $county ] && at=${ports[10]}
		args+=(--parent "$parent" --parent-address "127.0.0.1:$at")
	fi
	"$BIN/guantong" init "${args[@]}" "$run/$code" >/dev/null
	policy=configs/policy-${name[$code]}.yaml
	if [ -e "$policy" ]; then
		gt "$code" policy check "$policy" >/dev/null
		cp "$policy" "$run/$code/policy.yaml"
	fi
	listens="links on ${link[$code]}, "
	[ "$code" = $village ] && listens=
	note "${zh[$code]} $code  ${listens}http://127.0.0.1:${http[$code]}/ $([ -e "$policy" ] && echo "with $policy")"
done

say '启动五个守护进程' 'five daemons, TLS on every link'
"$PY" tests/support/relay.py --control "$run/relay.sock" --listen "${ports[10]}" --to "${link[3301]}" \
	</dev/null >"$run/relay.log" 2>&1 &
echo $! >"$run/relay.pid"
for code in "${codes[@]}"; do
	start "$code"
done
for code in "${codes[@]:1}"; do
	gt "$code" wait --until connected >/dev/null
	note "${zh[$code]} $code is linked to its parent"
done

say '省级发布资源与公告' 'the province publishes resources and announcements'
shown $province publish --batch seeds/catalogue.jsonl --files "$content"
shown $province publish --batch seeds/announcements.jsonl

say '等待每一级都得到策略所允许的内容' 'every level has exactly what policy says'
"$PY" tests/demo/expect.py "$BIN/guantong" "$run" tests/demo/expected.tsv seeds/announcements.jsonl
shown $village ls

say '在村级逐字节比对' 'every file at the village, over HTTP, bit for bit'
url=http://127.0.0.1:${http[$village]}
for rid in $(awk -F '\t' '$6 == "mirror" {print $1}' tests/demo/expected.tsv); do
	"$PY" tests/demo/compare.py "$url" "$rid" "$content/${rid#*/}"
done

say '点播：经四跳取来' 'on demand: pulled through four hops'
rid=33/handbook-languages
for code in "${codes[@]:1}"; do
	note "${zh[$code]} $code before: $(gt "$code" show --json $rid | "$PY" -c 'import json,sys; print(json.load(sys.stdin)["state"])')"
done
gt $village get $rid >/dev/null
"$PY" tests/demo/compare.py "$url" $rid "$content/${rid#*/}"
note "the audit of every node names the transfer, the same at both ends of a link:"
"$PY" tests/demo/hops.py "$BIN/guantong" "$run" $rid "${codes[@]}"

say '切断县级链路' 'the county is cut off; records are handed in meanwhile'
"$PY" tests/support/relay.py --tell "$run/relay.sock" cut
gt $county wait --until disconnected >/dev/null
kept=$run/statements.jsonl
"$PY" tests/demo/statements.py send "http://127.0.0.1:${http[$village]}" 60 village "$kept"
"$PY" tests/demo/statements.py send "http://127.0.0.1:${http[$township]}" 60 township "$kept"
note 'the county is killed (SIGKILL) and started again'
stop_pid "$run/$county.pid" KILL
start $county
"$PY" tests/demo/statements.py send "http://127.0.0.1:${http[$village]}" 20 village "$kept"
"$PY" tests/support/relay.py --tell "$run/relay.sock" restore
note 'the link is restored'
for code in $village $township $county; do
	gt "$code" wait --until records-rooted >/dev/null
done
gt $province records --json >"$run/records.json"
"$PY" tests/demo/statements.py check "$run/records.json" "$kept"

say '谁能读学习记录' 'who may read records, and take them back'
"$PY" tests/demo/access.py "$BIN/guantong" "$run/$village" "$url" "$kept"

say '学习情况报表' 'what was learnt: places, subjects, months'
shown $province records report
shown $village records report --by resource --measure learners --svg "$run/learners.svg"

say '签封与结业证书' 'a record under its seal; a certificate of it, checked by the village, revoked'
id=$(head -n 1 "$kept" | "$PY" -c 'import json,sys; print(json.loads(sys.stdin.readline())["id"])')
shown $province records proof "$id"
shown $county certificate issue "$id" --name 李明 -o "$run/certificate.json"
shown $village certificate verify "$run/certificate.json"
gt $county certificate revoke "$("$PY" -c 'import json,sys; print(json.load(open(sys.argv[1]))["id"])' \
	"$run/certificate.json")" --why 'a demonstration' >/dev/null
for _ in $(seq 300); do # the list comes down by itself
	gt $village certificate verify "$run/certificate.json" >/dev/null || break
	sleep 0.1
done
note "$(gt $village certificate verify "$run/certificate.json" || true)"

say '某个人的信息' 'what is held of one person, and that it goes, down to the village'
who='https://xuexi.example.cn|village-3'
shown $county person find "$who"
shown $province person erase "$who" --yes
"$PY" tests/demo/gone.py "$run/$village" "$who"
shown $village person find "$who"

say '撤回与改规则' 'a resource is withdrawn, a rule is changed'
shown $province withdraw 33/phone-leaflet --reason 'replaced by a new edition'
gt $village wait --until resource=33/phone-leaflet:withdrawn >/dev/null
note "village: $(curl -sL -o /dev/null -w 'HTTP %{http_code}' "$url/c/33/phone-leaflet/leaflet.html") for its file"
sed 's/^rules:$/rules:\n  - {name: no-pictures-in-villages, to: village, when: {type: case}, verdict: deny}/' \
	configs/policy-province.yaml >"$run/policy-new.yaml"
shown $province policy set "$run/policy-new.yaml"
gt $village wait --until gone=33/edu-manual-images >/dev/null
note 'village: 33/edu-manual-images is gone'
gt $township wait --until resource=33/edu-manual-images:complete >/dev/null
note 'township: 33/edu-manual-images is still there'
shown $province explain 33/edu-manual-images --for $village

say '一览' 'where everything is'
"$PY" tests/demo/table.py "$BIN/guantong" "$run" "${codes[@]}"

if [ -n "$KEEP" ]; then
	ended=1
	printf '\nThe tree is left running · 各节点保持运行:\n'
	for code in "${codes[@]}"; do
		note "${zh[$code]} $code  http://127.0.0.1:${http[$code]}/"
	done
	note 'make demo-stop ends it · 停止：make demo-stop'
else
	stop_all
	ended=1
fi
printf '\ndemo: ok\n'
