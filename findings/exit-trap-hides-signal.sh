#!/usr/bin/env bash
# mksh R59c and ksh93u+m 1.0.4 (Debian 12: mksh 59c-28+deb12u1, ksh93u+m 1.0.4-3): an EXIT trap hides that a script
# was ended by a signal.
#
# A script that SIGTERM ends is reported by wait(2) as killed by signal 15. With `trap true EXIT`, which does nothing, in it
#   - ksh93 ends with the exit code 15, the number of the signal itself: neither a death by signal nor 128 + 15;
#   - mksh ends with the exit code 0: what started it takes the killed script for a success.
# Without the trap ksh93 dies of the signal and mksh ends with 143. bash 5.2 beside them dies of the signal either way.
#
# It surprises because POSIX has the status of a trap not change the status of the shell, and because the trap says
# nothing about signals. A supervisor, or `&&`, goes on after a script that was killed.
#
# Seen:
#   ksh93 plain -15, with the trap 15
#   mksh  plain 143, with the trap 0
#   bash  plain -15, with the trap -15
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for package in mksh=59c-28+deb12u1 ksh93u+m=1.0.4-3; do
    apt-get download -qq -o APT::Sandbox::User=root "$package"
done
for archive in *.deb; do dpkg-deb -x "$archive" root; done

# How wait(2) reports the end: the exit code, or the signal with a minus.
status() {
    python3 -c 'import subprocess, sys; print(subprocess.run(sys.argv[1:]).returncode)' "$@"
}

failed=0
expect() { # NAME SHELL PLAIN TRAPPED
    local plain trapped
    plain=$(status "$2" -c 'kill -TERM $$; sleep 1')
    trapped=$(status "$2" -c 'trap true EXIT; kill -TERM $$; sleep 1')
    echo "$1 plain $plain, with the trap $trapped"
    [ "$plain $trapped" = "$3 $4" ] || failed=1
}
expect ksh93 root/bin/ksh93 -15 15
expect mksh root/bin/mksh 143 0
expect bash bash -15 -15
exit $failed
