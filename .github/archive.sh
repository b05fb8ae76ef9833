#!/bin/sh
# Packs what was built for a release: sh .github/archive.sh FOLDER PLATFORM, such as target/release linux_amd64
set -eu

folder=$1 platform=$2
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
case ${GITHUB_REF_NAME:-v$version} in
"v$version") ;;
*)
    echo "error: cannot release $GITHUB_REF_NAME: Cargo.toml says $version" >&2
    exit 1
    ;;
esac
program=awsauth
case $platform in windows_*) program=awsauth.exe ;; esac

pack=$(mktemp -d)
trap 'rm -rf "$pack"' EXIT
cp "$folder/$program" LICENSE README.md "$pack"
tar -czf "awsauth_${version}_$platform.tar.gz" -C "$pack" "$program" LICENSE README.md
