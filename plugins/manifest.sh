#!/bin/sh
# Prints the krew manifest of a release: sh plugins/manifest.sh CHECKSUMS > awsauth.yaml
#
# Fills in the repository, the version and the SHA-256 of each archive in plugins/awsauth.yaml. The repository is AWSAUTH_REPOSITORY (OWNER/NAME on GitHub, or
# a URL), or in GitHub Actions the repository of the workflow.
set -eu

checksums=$1
folder=$(dirname "$0")
repository=${AWSAUTH_REPOSITORY:-${GITHUB_REPOSITORY:-}}
case $repository in
'')
    echo "error: cannot create the manifest: the repository is not known" >&2
    echo "hint: set AWSAUTH_REPOSITORY to OWNER/NAME on GitHub, or to the repository's URL" >&2
    exit 1
    ;;
https://*) ;;
*) repository=https://github.com/$repository ;;
esac
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$folder/../Cargo.toml" | head -n 1)
filled=$(sed "s|REPOSITORY|${repository%/}|g; s/VERSION/$version/g" "$folder/awsauth.yaml")
for platform in linux_amd64 linux_arm64 darwin_amd64 darwin_arm64 windows_amd64; do
    archive=awsauth_${version}_$platform.tar.gz
    digest=$(while read -r each name; do [ "${name#\*}" != "$archive" ] || echo "$each"; done <"$checksums")
    if [ -z "$digest" ]; then
        echo "error: cannot create the manifest: $checksums does not name $archive" >&2
        exit 1
    fi
    filled=$(printf '%s\n' "$filled" | sed "s/SHA256_$platform/$digest/")
done
printf '%s\n' "$filled"
