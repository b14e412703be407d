#!/bin/bash
# fresh.sh: the README's two commands on a machine that has nothing, and its other
# compiler, for `make fresh SUITE=trixie|bookworm [ARCH=arm64]`.
#
# A Debian of that suite is bootstrapped once into BUILD/fresh and laid, unwritten,
# under a new layer for each run. What is committed here is cloned into it, to a
# folder whose path has a space and Chinese in it. Packages come over the network
# and are kept for the next time; nothing else sees a network but loopback. All of
# it runs in namespaces of its own: it can end only what it began, and mounts go
# with it.
#
# Another architecture is emulated (qemu-user), which is slow. So its libraries are
# unpacked, and nothing in them is run to install them; a cross compiler builds
# against them; and only what is built is emulated: the unit tests, the fuzzers'
# kept inputs, some trees of the simulator, daemons that take up a kept tree.
#
# As root. Ends with "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/../.."
self=$PWD/tests/fresh/fresh.sh
suite=${SUITE:-trixie} here=$(dpkg --print-architecture)
arch=${ARCH:-$here} triplet=aarch64-linux-gnu emulator='qemu-aarch64-static -L /mnt'
mirror=${MIRROR:-http://deb.debian.org/debian}
build=${BUILD:-build}
case $build in /*) ;; *) build=$PWD/$build ;; esac
fresh=$build/fresh
base=$fresh/$suite-$arch/base run=$fresh/$suite-$arch/run packages=$fresh/$suite-$arch/packages
name='贯 通'

fail() { printf 'fresh: %s\n' "$*" >&2; exit 1; }
say() { printf '\nfresh: %s  (%d s)\n' "$*" $SECONDS; }

case $suite in bookworm | trixie) ;; *) fail "SUITE=$suite: bookworm (Debian 12) or trixie (Debian 13)" ;; esac
case $arch in "$here" | arm64) ;; *) fail "ARCH=$arch: $here or arm64" ;; esac
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

# ----------------------------------- another architecture: libraries, unpacked

# What is linked with and all that it needs, down to libc.
unpack()
{
	[ -e "$base/.bare" ] && return
	local deb=$packages/state at
	rm -rf "$base"
	mkdir -p "$base/usr"/{bin,lib,sbin} "$packages"/{archives,state/lists}/partial
	for at in bin lib sbin; do ln -s usr/$at "$base/$at"; done
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$deb/sources.list"
	: >"$deb/status" # nothing is installed there
	cat >"$deb/apt.conf" <<-EOF
		APT { Architecture "$arch"; Architectures { "$arch"; }; Sandbox::User "root"; };
		Dir::State "$deb/";
		Dir::State::status "$deb/status";
		Dir::Cache "$packages/";
		Dir::Etc { sourcelist "$deb/sources.list"; sourceparts "-"; };
	EOF
	export APT_CONFIG=$deb/apt.conf
	apt-get -q update
	# shellcheck disable=SC2046
	apt-get -q -y --no-install-recommends --download-only install $(.ci/deps --list libraries)
	for at in "$packages"/archives/*.deb; do dpkg-deb -x "$at" "$base"; done
	touch "$base/.bare"
}
# beside COMMAND...: runs it in a clone here, with that at /mnt: a compiler's command
# line has no place for a path with a space
beside()
{
	mount --make-rprivate /
	mount -t proc proc /proc
	mount --bind "$base" /mnt
	ip link set lo up
	mkdir -p "$run"
	[ -e "$run/$name" ] || git -c safe.directory='*' clone -q . "$run/$name"
	cd "$run/$name"
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		LC_ALL=C.UTF-8 CI=true EMULATOR="$emulator" \
		CC="$triplet-gcc --sysroot=/mnt" AR="$triplet-ar" "$@"
}
# The programs, as whoever starts them by name finds them.
wrap()
{
	local p
	mkdir -p "$run/bin"
	for p in guantong guantongd; do
		printf '#!/bin/sh\nexec %s "%s/build/release/%s" "$@"\n' "$emulator" "$run/$name" $p >"$run/bin/$p"
		chmod +x "$run/bin/$p"
	done
}

# Run again by ourselves, in new namespaces.
case ${1:-} in
unpack) unpack; exit ;;
beside) shift; beside "$@"; exit ;;
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
# apart [--net] WHAT...
apart()
{
	local net=
	if [ "$1" = --net ]; then net=$1; shift; fi
	unshare --mount $net --pid --fork --kill-child "$self" "$@"
}

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

natively()
{
	bootstrap
	stage 'make deps-demo' deps-demo apart with-network make deps-demo
	stage 'make demo' demo apart without make demo
	stage 'make deps-check' deps-check apart with-network make deps-check
	stage 'make check' check apart without make check
	stage 'make clang' clang apart without make clang
}

emulated()
{
	local make="make --no-print-directory"
	.ci/deps build unit arm64
	wrap
	stage 'the libraries' libraries "$self" unpack
	stage 'programs, tests, simulator' build apart --net beside $make "-j$(nproc)" all unit-build sim-build
	stage 'make unit' unit apart --net beside $make unit
	stage 'make replay' replay apart --net beside $make "-j$(nproc)" replay
	stage 'three trees' sim apart --net beside $emulator build/release/simulate 1 3 -q
	stage 'make e2e E2E=test_kept' kept apart --net beside \
		env GUANTONG_BIN="$run/bin" /usr/bin/python3 tests/e2e/run.py test_kept
}

mkdir -p "$fresh/$suite-$arch"
rm -rf "$run"
if [ "$arch" = "$here" ]; then natively; else emulated; fi
echo
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
