#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The library as strangers use it:  sh tests/check_install.sh BUILD-DIR FOLDER
#
# Installs BUILD-DIR into FOLDER (made anew), then compiles and runs the README's C program against
# it: by hand with pkg-config (shared, and static), from CMake, from meson, and with the sources
# as a meson subproject. Prints `ok` and `not ok` lines.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
rm -rf "$2" && mkdir -p "$2" || exit 1
place=$(cd "$2" && pwd)
prefix=$place/prefix
failed=0

check()
{
    name=$1
    shift
    if "$@" >"$place/$name.log" 2>&1; then
        echo "ok install: $name"
    else
        echo "not ok install: $name"
        sed 's/^/    /' "$place/$name.log"
        failed=1
    fi
}

install_files()
{
    # A build knows its prefix; the stage takes it elsewhere, and the .pc file is told so below.
    DESTDIR=$place/stage meson install -C "$build" --no-rebuild &&
        installed=$(find "$place/stage" -type d -path '*/include/cxm') &&
        mv "${installed%/include/cxm}" "$prefix" &&
        test -e "$prefix/include/cxm/cxm.h" && find "$prefix" -name libcxm.so.0.1 | grep . &&
        test "$(find "$prefix" -name '*.h' | wc -l)" -ge 9
}

extract()
{
    python3 "$top/tests/check_readme.py" extract "$top/README.md" "$@"
}

# A project folder with the program and its build file, as the README shows them.
project()
{
    mkdir -p "$place/$1" && extract c report.c >"$place/$1/report.c" &&
        { test -z "$2" || extract "$2" >"$place/$1/$3"; } && cd "$place/$1"
}

# What the program prints is in the README; here it is enough that it runs and says something.
runs()
{
    test -n "$("$@")"
}

with_pkg_config()
{
    project by-hand '' &&
        # shellcheck disable=SC2046
        cc -std=c11 -Wall -Werror report.c $(pkg-config --cflags --libs cxm) -o report &&
        runs ./report && readelf -d report | grep -F 'libcxm.so.0.1'
}

with_static_library()
{
    project static '' &&
        # shellcheck disable=SC2046
        cc -std=c11 report.c $(pkg-config --cflags cxm) -Wl,-Bstatic -lcxm -Wl,-Bdynamic \
            -L"$(pkg-config --variable=libdir cxm)" $(pkg-config --static --libs gsl) -pthread \
            -o report &&
        runs ./report && ! readelf -d report | grep -F libcxm
}

with_cmake()
{
    project cmake cmake CMakeLists.txt && cmake -S . -B b && cmake --build b && runs b/report
}

with_meson()
{
    project meson meson meson.build && meson setup b --wrap-mode=nofallback && ninja -C b &&
        runs b/report
}

as_subproject()
{
    unset PKG_CONFIG_PATH LD_LIBRARY_PATH
    project subproject meson meson.build && mkdir -p subprojects/cxm &&
        (cd "$top" && git ls-files -z | xargs -0 tar -cf - --ignore-failed-read) |
        tar -xf - -C subprojects/cxm && meson setup b --force-fallback-for=cxm && ninja -C b &&
        runs b/report
}

check files install_files
libdir=$(dirname "$(find "$prefix" -name libcxm.so | head -n 1)")
export PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir" LIBRARY_PATH="$libdir"
# The prefix of the file, whatever the build was configured for.
sed -i "s|^prefix=.*|prefix=$prefix|" "$libdir/pkgconfig/cxm.pc"
check pkg-config with_pkg_config
check static with_static_library
check cmake with_cmake
check meson with_meson
check subproject as_subproject
exit $failed
