# shellcheck shell=bash disable=SC2154 # the variables are those of run
# A program and a manifest may set the same.

settings=Tests/consistency/settings.py

check "every setting accepts and refuses the same values in code and in a manifest" python3 "$settings" "$library"
check "one whose setter and key differ is found" finds "delivery.flush_interval_ms = '43200000'" \
    python3 "$settings" "$library" delivery.flush_interval_ms=limits.spool_segments
