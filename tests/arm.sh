#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Libraries for 64-bit ARM beside those of this machine:  sh tests/arm.sh FOLDER
#
# Fetches the packages of GSL and cmocka for arm64 with apt-get, into lists and a cache of their own,
# and unpacks them below FOLDER/root: nothing is installed, so nothing can clash with what is.
# Writes FOLDER/root.ini for meson (tests/arm64.ini). Needs the cross compiler and qemu-user.
set -e
mkdir -p "$1"
folder=$(cd "$1" && pwd)
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/packages" "$folder/root"
arm_apt()
{
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache" \
        -o Dir::State::status=/dev/null -o APT::Sandbox::User=root "$@"
}
if [ ! -e "$folder/root.ini" ]; then
    arm_apt update
    (cd "$folder/packages" &&
        arm_apt download libgsl-dev libgsl27 libgslcblas0 libcmocka-dev libcmocka0)
    for package in "$folder"/packages/*.deb; do
        dpkg-deb -x "$package" "$folder/root"
    done
    printf '[constants]\nroot = '"'%s'"'\n' "$folder/root" >"$folder/root.ini"
fi
