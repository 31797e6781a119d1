#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs all the quick tests:  sh tests/run.sh
#
# Installs what is missing (Debian, Ubuntu), builds into build/ with warnings as errors, runs the
# C tests, then the Python tests in an environment of their own, build/venv. The last line is
# the sum, `N passed, N failed`; the exit status is 0 when nothing failed and nothing that
# should have run was skipped.
set -u
cd "$(dirname "$0")/.." || exit 1
unset PYTHONPATH CXM_LIBRARY CXM_SEED

. tests/setup.sh
say()
{
    printf '\n== %s\n' "$*"
}

say 'What is needed'
need build test example python || exit 1
echo 'everything is there'

say 'Building into build/, warnings are errors'
options='--buildtype=debugoptimized -Db_ndebug=false -Dwerror=true
    -Dtests=enabled -Dexamples=enabled -Dbenchmarks=enabled'
reconfigure=
test -e build/build.ninja && reconfigure=--reconfigure
# shellcheck disable=SC2086
meson setup build $reconfigure $options >build-setup.log 2>&1 || {
    cat build-setup.log
    exit 1
}
mv build-setup.log build/
meson compile -C build || exit 1

say 'C tests, layers, symbols, headers, README, kept fuzz inputs, examples'
rm -f build/meson-logs/testlog.json build/*.xml build/*.count
meson test -C build --no-rebuild --print-errorlogs
results='C=build/meson-logs/testlog.json'

say 'Python: the package built by pip, and its tests'
python_tests()
{
    test -x build/venv/bin/pip || python3 -m venv build/venv || return
    pip='build/venv/bin/pip --disable-pip-version-check -q'
    $pip install 'pip>=23.1' || return
    $pip install -r bindings/python/tests/requirements.txt || return
    # The tools that pip would fetch for each build are in that list too: building again is quick.
    $pip install --no-build-isolation --no-deps --force-reinstall \
        --config-settings=build-dir=build/python . || return
    # From the folder of the tests: what is imported is the installed package, not the sources.
    # Two processes, a file of tests in one of them: those of a gigabyte or of times run in turn.
    top=$PWD
    (cd bindings/python/tests &&
        "$top/build/venv/bin/python" -m pytest -q -p no:cacheprovider --strict-markers \
            -n 2 --dist loadfile --junitxml="$top/build/pytest.xml" .)
    build/venv/bin/python tests/check_readme.py python README.md >build/readme.count
    sed -n '/^not ok/,$p' build/readme.count
}
python_tests
results="$results Python=build/pytest.xml README=build/readme.count"

say 'Sum'
# The real data are not shipped: where they are not at hand two tests are skipped, and those of
# Python that need them are left out (conftest.py).
# shellcheck disable=SC2086
exec python3 tests/summary.py --may-skip scorecard-real --may-skip real_data $results
