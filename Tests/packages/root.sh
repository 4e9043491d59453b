# shellcheck shell=bash disable=SC2154 # the variables are those of run
# A Debian made by debootstrap, without any toolchain of ours.

root=$scratch/root
cache=$PWD/build/debootstrap
# shellcheck disable=SC1091
release=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' | grep -m 1 -v -i security)}

# in_root COMMAND...: as root, with /proc, which a mount namespace of its own takes away again.
in_root() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    as_root unshare --mount sh -c 'root=$1; shift
        mount -t proc proc "$root/proc" &&
        exec chroot "$root" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' sh "$root" "$@" </dev/null
}
# as_user COMMAND...: as somebody who has never heard of Swift.
as_user() { in_root setpriv --reuid=1000 --regid=1000 --clear-groups env HOME=/home/user "$@"; }
install_in_root() { in_root apt-get install -qq -y --no-install-recommends "$@"; }

bootstrapped() {
    mkdir -p "$cache"
    as_root debootstrap --variant=minbase --cache-dir="$cache" "$release" "$root" "$mirror" || return 1
    as_root cp /etc/resolv.conf /etc/hosts "$root/etc/" && in_root apt-get update -qq && in_root useradd --create-home --uid 1000 user
}
# The compilers, and the libraries that ours load when they need them; all of Debian.
prepared() { install_in_root cmake gcc g++ libc6-dev make pkgconf libyaml-0-2 zlib1g; }

check "debootstrap makes a clean Debian" bootstrapped
check "it has compilers of its own" prepared
