#!/usr/bin/env bash
# pandas 3.1.1 (PyPI): read_json(precise_float=True), the cure for rounded fractions, refuses a file with one subnormal number.
#
# read_json() rounds: 1.7976931348623157e308 and a quarter of all doubles come back as a neighbour. precise_float=True reads
# them right, and raises "Range error when decoding numeric as double" for any number below 2.2250738585072014e-308 that is
# not 0: such numbers are doubles, JSON allows them, and the default reads them. It checks errno after
# strtod(3), which sets ERANGE for them although it returns the right value.
#
# It surprises because the option that promises more precision has a smaller range than the default, and because one such
# number anywhere loses the whole file. read_csv(), and read_json(engine="pyarrow"), read them exactly.
#
# Seen:
#   1.7976931348623157e+308: default 1.7976931348623151e+308, precise 1.7976931348623157e+308
#   1e-310: default 1e-310, precise ValueError, pyarrow 1e-310
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pandas==3.1.1 pyarrow==26.0.1

cat >look.py <<'P'
import pandas


def read(**how):
    try:
        return float(pandas.read_json("a.jsonl", lines=True, **how).a[0])
    except ValueError as error:
        assert "Range error" in str(error), error
        return "ValueError"


open("a.jsonl", "w").write('{"a":1.7976931348623157e308}\n')
print(f"1.7976931348623157e+308: default {read()}, precise {read(precise_float=True)}")
open("a.jsonl", "w").write('{"a":1e-310}\n')
print(f"1e-310: default {read()}, precise {read(precise_float=True)}, pyarrow {read(engine='pyarrow')}")
P
venv/bin/python look.py | tee seen
diff - seen <<'S'
1.7976931348623157e+308: default 1.7976931348623151e+308, precise 1.7976931348623157e+308
1e-310: default 1e-310, precise ValueError, pyarrow 1e-310
S
