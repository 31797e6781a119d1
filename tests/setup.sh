# SPDX-License-Identifier: GPL-3.0-or-later
# To be sourced:  . tests/setup.sh && need build example
#
# Makes sure that what a job needs is there, and installs what is missing with apt-get (through
# sudo when not root). When nothing is missing it takes milliseconds and asks no network.
#
#   build    meson, ninja, a C compiler, pkg-config, GSL
#   example  libcsv, inih, json-c, zlib, SQLite
#   test     cmocka, a C++ compiler, Python
#   python   virtual environments
#   ci       clang with its runtimes and coverage tools, valgrind, CMake, AVX-512 in functions (SIMDe)
#   arm      a cross compiler for 64-bit ARM, qemu to run what it makes

need_say()
{
    printf '%s\n' "$*" >&2
}

# What is missing, as Debian package names: each line is one test of a capability.
need_missing()
{
    for need_group in "$@"; do
        case $need_group in
        build)
            command -v ninja >/dev/null || echo ninja-build
            command -v cc >/dev/null || echo gcc
            echo 'int main(void){return 0;}' | cc -x c -o /dev/null - 2>/dev/null || echo libc6-dev
            command -v pkg-config >/dev/null || echo pkg-config
            command -v meson >/dev/null || echo meson
            pkg-config --exists gsl 2>/dev/null || echo libgsl-dev
            ;;
        example)
            echo '#include <csv.h>' | cc -x c -E -o /dev/null - 2>/dev/null || echo libcsv-dev
            pkg-config --exists inih 2>/dev/null || echo libinih-dev
            pkg-config --exists json-c 2>/dev/null || echo libjson-c-dev
            pkg-config --exists zlib 2>/dev/null || echo zlib1g-dev
            pkg-config --exists sqlite3 2>/dev/null || echo libsqlite3-dev
            command -v sqlite3 >/dev/null || echo sqlite3
            command -v python3 >/dev/null || echo python3
            ;;
        test)
            pkg-config --exists cmocka 2>/dev/null || echo libcmocka-dev
            command -v c++ >/dev/null || echo g++
            command -v python3 >/dev/null || echo python3
            command -v nm >/dev/null || echo binutils
            ;;
        python)
            python3 -c 'import venv, ensurepip' 2>/dev/null || echo python3-venv
            ;;
        ci)
            command -v clang >/dev/null || echo clang
            command -v llvm-cov >/dev/null || echo llvm
            command -v valgrind >/dev/null || echo valgrind
            test -e /usr/include/simde/x86/avx512.h || echo libsimde-dev
            # Without glibc's symbols valgrind refuses to start.
            test -e /usr/share/doc/libc6-dbg || echo libc6-dbg
            command -v cmake >/dev/null || echo cmake
            command -v make >/dev/null || echo make
            ;;
        arm)
            command -v aarch64-linux-gnu-gcc >/dev/null || echo gcc-aarch64-linux-gnu
            test -e /usr/aarch64-linux-gnu/include/stdio.h || echo libc6-dev-arm64-cross
            command -v qemu-aarch64 >/dev/null || echo qemu-user
            ;;
        *)
            need_say "need: unknown group $need_group"
            echo "unknown-group-$need_group"
            ;;
        esac
    done
}

need_apt()
{
    if ! command -v apt-get >/dev/null; then
        need_say "Please install (Debian names): $*"
        return 1
    fi
    need_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            need_say "Please install as root: apt-get install $*"
            return 1
        fi
        need_root='sudo'
    fi
    need_say "Installing: $*"
    # The lists of a fresh machine are empty or old: refresh them once, now that it matters.
    if [ -z "${need_updated:-}" ]; then
        $need_root apt-get update -qq >&2 </dev/null || return 1
        need_updated=yes
    fi
    $need_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >&2 </dev/null
}

# Debian 12 has meson 1.0.1; where it is older (Ubuntu 22.04) it comes from PyPI, into build/.
need_meson()
{
    # A machine that needed it once has it already.
    test -x build/tools/bin/meson && PATH=$PWD/build/tools/bin:$PATH && export PATH
    case $(meson --version 2>/dev/null) in
    '' | 0.* | 1.0.0) ;;
    *) return 0 ;;
    esac
    need_list=$(need_missing python)
    if [ -n "$need_list" ]; then
        # shellcheck disable=SC2086
        need_apt $need_list || return 1
    fi
    need_say 'Installing: meson, newer than the one of this system, into build/tools'
    python3 -m venv build/tools &&
        build/tools/bin/pip install -q --disable-pip-version-check 'meson>=1.0.1' >&2 &&
        PATH=$PWD/build/tools/bin:$PATH && export PATH
}

# Sanitizers and libFuzzer of clang are in packages named after its version.
need_clang_runtime()
{
    if echo 'int LLVMFuzzerTestOneInput(const char *p, long n){return !p && n;}' |
        clang -x c -fsanitize=fuzzer,address -o /dev/null - 2>/dev/null; then
        return 0
    fi
    need_version=$(clang -dumpversion | cut -d. -f1)
    need_apt "libclang-rt-$need_version-dev" || need_apt "libclang-common-$need_version-dev"
}

# need GROUP...: returns non-zero when something could not be had.
need()
{
    need_list=$(need_missing "$@")
    if [ -n "$need_list" ]; then
        # shellcheck disable=SC2086
        need_apt $need_list || return 1
        need_list=$(need_missing "$@")
        if [ -n "$need_list" ]; then
            need_say "Still missing after the installation:" $need_list
            return 1
        fi
    fi
    case " $* " in *' build '*) need_meson || return 1 ;; esac
    case " $* " in *' ci '*) need_clang_runtime || return 1 ;; esac
    return 0
}
