#!/bin/sh
# Packs a built binary into a release archive: sh .github/package-archive.sh FOLDER PLATFORM, for example target/release linux_amd64
set -eu

folder=$1 platform=$2
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
if [ "${RELEASE_VERSION:-$version}" != "$version" ]; then
    echo "error: cannot release $RELEASE_VERSION: the version in Cargo.toml is $version" >&2
    exit 1
fi
program=awsauth
case $platform in windows_*) program=awsauth.exe ;; esac

pack=$(mktemp -d)
trap 'rm -rf "$pack"' EXIT
cp "$folder/$program" LICENSE README.md "$pack"
tar -czf "awsauth_${version}_$platform.tar.gz" -C "$pack" "$program" LICENSE README.md
