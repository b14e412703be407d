#!/bin/bash
# fresh.sh: the README's two commands on a machine that has nothing, for `make
# fresh SUITE=trixie|bookworm`.
#
# A Debian of that suite is bootstrapped once into BUILD/fresh and laid, unwritten,
# under a new layer for each run. What is committed here is cloned into it, to a
# folder whose path has a space and Chinese in it. Packages come over the network
# and are kept for the next time; nothing else sees a network but loopback. All of
# it runs in namespaces of its own: it can end only what it began, and mounts go
# with it.
#
# As root. Ends with "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/../.."
self=$PWD/tests/fresh/fresh.sh
suite=${SUITE:-trixie} arch=$(dpkg --print-architecture)
mirror=${MIRROR:-http://deb.debian.org/debian}
build=${BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
fresh=$build/fresh
base=$fresh/$suite-$arch/base run=$fresh/$suite-$arch/run packages=$fresh/$suite-$arch/packages
name='贯 通'

fail() { printf 'fresh: %s\n' "$*" >&2; exit 1; }
say() { printf '\nfresh: %s  (%d s)\n' "$*" $SECONDS; }

case $suite in bookworm | trixie) ;; *) fail "SUITE=$suite: bookworm (Debian 12) or trixie (Debian 13)" ;; esac
[ "$(id -u)" = 0 ] || fail "debootstrap and namespaces need root: sudo make fresh SUITE=$suite"

# ------------------------------------------------------------ the bare machine

bootstrap()
{
	[ -e "$base/.bare" ] && return
	say "bootstrapping $suite, $arch"
	rm -rf "$base"
	mkdir -p "$base" "$packages/first"
	# the README asks for these two
	debootstrap --variant=minbase --arch="$arch" --cache-dir="$packages/first" \
		--include=git,make,ca-certificates "$suite" "$base" "$mirror" >"$fresh/$suite-$arch/debootstrap.log" ||
		fail "debootstrap: see $fresh/$suite-$arch/debootstrap.log"
	printf '#!/bin/sh\nexit 101\n' >"$base/usr/sbin/policy-rc.d"
	chmod +x "$base/usr/sbin/policy-rc.d"
	touch "$base/.bare"
}

# ------------------------------------------------- inside: one layer, one run

# Lays a new layer over the bare system. In namespaces of our own from here on.
lay()
{
	mount --make-rprivate /
	mkdir -p "$run/upper" "$run/work" "$run/root" "$packages/archives/partial"
	mount -t overlay overlay -o "lowerdir=$base,upperdir=$run/upper,workdir=$run/work" "$run/root" ||
		fail 'this kernel has no overlay file system'
	mount -t proc proc "$run/root/proc"
	mount --rbind /dev "$run/root/dev"
	mount -t tmpfs -o mode=1777 tmpfs "$run/root/dev/shm"
	mkdir -p "$run/root/var/cache/apt/archives"
	mount --bind "$packages/archives" "$run/root/var/cache/apt/archives"
	cp -L /etc/resolv.conf "$run/root/etc/resolv.conf"
	if [ ! -e "$run/root/root/$name" ]; then
		git -c safe.directory='*' clone -q . "$run/root/root/$name"
	fi
}
# within COMMAND...: runs it in the clone
within()
{
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		${http_proxy:+http_proxy="$http_proxy"} CI=true \
		chroot "$run/root" sh -c 'cd "$0" && exec "$@"' "/root/$name" "$@"
}
# alone COMMAND...: the same, with no network but loopback
alone()
{
	unshare --net "$self" alone "$@"
}

# Run again by ourselves, in new namespaces.
case ${1:-} in
with-network) lay && shift && within "$@"; exit ;;
without) lay && shift && alone "$@"; exit ;;
alone)
	shift
	ip link set lo up
	mount -t sysfs sysfs "$run/root/sys"
	within "$@"
	exit
	;;
esac
apart() { unshare --mount --pid --fork --kill-child "$self" "$@"; }

# --------------------------------------------------------------- the commands

passed=0 failed=0
# stage WHAT LOG COMMAND...: counts one
stage()
{
	local what=$1 log=$fresh/$suite-$arch/$2.log
	shift 2
	say "$what"
	if "$@" >"$log" 2>&1; then
		passed=$((passed + 1))
		tail -n 2 "$log"
	else
		failed=$((failed + 1))
		echo "FAIL $what: $log"
		tail -n 40 "$log"
	fi
}

mkdir -p "$fresh/$suite-$arch"
bootstrap
rm -rf "$run"
stage 'make deps-demo' deps-demo apart with-network make deps-demo
stage 'make demo' demo apart without make demo
stage 'make deps-check' deps-check apart with-network make deps-check
stage 'make check' check apart without make check
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
