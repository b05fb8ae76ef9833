#!/bin/sh
# The manifest of a release for krew: sh plugins/manifest.sh CHECKSUMS > awsauth.yaml
#
# Fills the version and the archives' SHA-256 into plugins/awsauth.yaml.
set -eu

checksums=$1
folder=$(dirname "$0")
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$folder/../Cargo.toml" | head -n 1)
filled=$(sed "s/VERSION/$version/g" "$folder/awsauth.yaml")
for platform in linux_amd64 linux_arm64 darwin_amd64 darwin_arm64 windows_amd64; do
    archive=awsauth_${version}_$platform.tar.gz
    digest=$(while read -r each name; do [ "${name#\*}" != "$archive" ] || echo "$each"; done <"$checksums")
    if [ -z "$digest" ]; then
        echo "error: cannot make the manifest: $checksums does not name $archive" >&2
        exit 1
    fi
    filled=$(printf '%s\n' "$filled" | sed "s/SHA256_$platform/$digest/")
done
printf '%s\n' "$filled"
