#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# All that the README's tables and drawing are made of, in one go of half an hour on a machine that
# does nothing else:
#
#   sh tests/bench/all.sh BUILD OUT [ROWS]
#
# BUILD is a release build, OUT a folder for the JSON files, tables.md and scale.svg; with ROWS
# nothing has more rows and all is run once. PYTHON names the interpreter that has the peers, PEERS
# the minutes they may take. A part that fails does not stop the others.
set -u
build=$1 out=$2 rows=${3:-} here=$(dirname "$0")
python=${PYTHON:-python3}
bench=$build/tests/bench
mkdir -p "$out"
CXM_LIBRARY=$(realpath "$build/src/libcxm.so")
PYTHONPATH=$(realpath "$here/../../bindings/python")
export CXM_LIBRARY PYTHONPATH
failed=0
started=$(date +%s)

part()
{
    name=$1 from=$(date +%s)
    shift
    echo "== $name"
    "$@" >"$out/$name.txt" 2>&1 || {
        failed=1
        echo "   FAILED: the end of $out/$name.txt"
        tail -n 5 "$out/$name.txt"
    }
    echo "   $(($(date +%s) - from)) s"
}

few="${rows:+--rows $rows --repeat 1}"
repeat=${rows:+--repeat 1} repeat=${repeat:---repeat 3}
# shellcheck disable=SC2086
{
    # First all on fewer rows, then the nine themselves at full size, which is what the table keeps.
    part variants "$bench" --rows "${rows:-20000000}" $repeat --json "$out/variants.json"
    part table "$bench" --only 'W1,W2,W2z,W2m,W2mc,W3,M,W4,W4u,W5,W6,W7,W8,W9' $few --json "$out/table.json"
    part groups "$bench" --groups $few --json "$out/groups.json"
    part scale "$bench" --scale ${few:---repeat 2} --json "$out/scale.json"
    part memory "$bench" --memory --only 'W1,W2,W2m,W3,W3m,M,Mm,W4,W4u,W5,W5z,W5k,W6,W6k,W7,W8,W9,W9k' $few --json "$out/memory.json"
    part peers "$python" "$here/peers.py" --bench "$bench" --budget "${PEERS:-14}" $few --json "$out/peers.json"
}
part tables "$python" "$here/table.py" "$out"/variants.json "$out"/table.json "$out"/groups.json \
    "$out"/scale.json "$out"/memory.json "$out"/peers.json
cp "$out/tables.txt" "$out/tables.md"
part drawing "$python" "$here/plot.py" "$out"/scale.json "$out"/groups.json "$out/scale.svg"
part bars "$python" "$here/plot.py" "$out"/peers.json "$out/peers.svg"
echo "all took $((($(date +%s) - started) / 60)) minutes: $out/tables.md, $out/scale.svg"
exit $failed
