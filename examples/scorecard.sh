#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints the scorecard of the example data, or of your own configurations:
#
#   sh examples/scorecard.sh
#   sh examples/scorecard.sh [OPTION]... my.conf...     (options: --help)
#
# Installs what is missing (Debian, Ubuntu) and builds the library and the example into build/;
# what that says goes to stderr, so that --json can be piped.
set -u
root=$(cd "$(dirname "$0")/.." && pwd) || exit 1
here=$PWD

build()
{
    cd "$root" || return 1
    . tests/setup.sh
    need build example || return 1
    if [ ! -e build/build.ninja ]; then
        meson setup build -Dexamples=enabled >&2 || return 1
    fi
    ninja -C build examples/scorecard >build/scorecard.log || {
        cat build/scorecard.log >&2
        return 1
    }
}
build || exit 1

cd "$here" || exit 1
configured=no
for argument in "$@"; do
    case $argument in
    *.conf | --help | --version) configured=yes ;;
    *) [ -f "$argument" ] && configured=yes ;;
    esac
done
if [ "$configured" = no ]; then
    set -- "$@" "$root/examples/scorecard.conf"
fi
exec "$root/build/examples/scorecard" "$@"
