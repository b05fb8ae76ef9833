#!/bin/sh
# Puts a release of awsauth into a folder: sh install.sh VERSION FOLDER
#
# VERSION "path" takes the awsauth on the PATH instead, and downloads nothing. Anything else comes from the project's own release page, and has
# to have the checksum that stands there; where AWSAUTH_SHA256 is set, that one, too. In GitHub Actions, later steps have the folder on their PATH.
set -eu

version=${1:?"usage: sh install.sh VERSION FOLDER"}
folder=${2:?"usage: sh install.sh VERSION FOLDER"}

fail() {
    echo "error: cannot install awsauth $version: $1" >&2
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

if [ "$version" = path ]; then
    command -v awsauth >/dev/null || fail "there is none on the PATH"
    exit 0
fi
version=${version#v}
case $version in
'' | *[!0-9A-Za-z.+-]*) fail "this is no version" ;;
esac
program=awsauth
case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
MINGW* | MSYS* | CYGWIN*) os=windows program=awsauth.exe ;;
*) fail "there is no release for $(uname -s)" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) fail "there is no release for $(uname -m)" ;;
esac

archive=awsauth_${version}_${os}_${arch}.tar.gz
page=https://github.com/awsauth/awsauth/releases/download/v$version
mkdir -p "$folder"
# Names without a folder: to tar, the drive of a Windows path is a host.
cd "$folder"
trap 'rm -f "$archive" checksums.txt' EXIT
for file in "$archive" checksums.txt; do
    curl --proto '=https' --tlsv1.2 -sSfL --retry 3 -o "$file" "$page/$file" || fail "$page/$file can't be had"
done
digest=$(sha256 "$archive")
wanted=$(while read -r each name; do [ "${name#\*}" != "$archive" ] || echo "$each"; done <checksums.txt)
[ -n "$wanted" ] || fail "checksums.txt does not name $archive"
[ "$digest" = "$wanted" ] || fail "$archive has the SHA-256 $digest, and checksums.txt says $wanted"
[ "$digest" = "${AWSAUTH_SHA256:-$digest}" ] || fail "$archive has the SHA-256 $digest, and AWSAUTH_SHA256 says $AWSAUTH_SHA256"
tar -xzf "$archive" "$program"
if [ -n "${GITHUB_PATH:-}" ]; then
    printf '%s\n' "$folder" >>"$GITHUB_PATH"
fi
