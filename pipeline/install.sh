#!/bin/sh
# Installs a release of awsauth into a folder: sh install.sh VERSION FOLDER
#
# With VERSION "path", uses the awsauth on the PATH and downloads nothing. Any other version is downloaded from the release page of AWSAUTH_REPOSITORY, which
# is OWNER/NAME on GitHub or a URL. In the GitHub action, the default is the repository of the action. The archive must match the checksum on the release page
# and, if AWSAUTH_SHA256 is set, that checksum too. In GitHub Actions, adds the folder to the PATH of later steps.
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
    command -v awsauth >/dev/null || fail "it is not on the PATH"
    exit 0
fi
version=${version#v}
case $version in
'' | *[!0-9A-Za-z.+-]*) fail "this is not a valid version" ;;
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

repository=${AWSAUTH_REPOSITORY:-${ACTION_REPOSITORY:-}}
case $repository in
'')
    fail "its repository is not known
hint: set AWSAUTH_REPOSITORY to OWNER/NAME on GitHub, or to the repository's URL"
    ;;
https://*) ;;
*) repository=https://github.com/$repository ;;
esac
archive=awsauth_${version}_${os}_${arch}.tar.gz
page=${repository%/}/releases/download/v$version
mkdir -p "$folder"
# Use file names without a folder, because tar reads the drive letter of a Windows path as a host name.
cd "$folder"
trap 'rm -f "$archive" checksums.txt' EXIT
for file in "$archive" checksums.txt; do
    curl --proto '=https' --tlsv1.2 -sSfL --retry 3 -o "$file" "$page/$file" || fail "$page/$file can't be downloaded"
done
digest=$(sha256 "$archive")
expected=$(while read -r each name; do [ "${name#\*}" != "$archive" ] || echo "$each"; done <checksums.txt)
[ -n "$expected" ] || fail "checksums.txt does not name $archive"
[ "$digest" = "$expected" ] || fail "$archive has the SHA-256 $digest, but checksums.txt has $expected"
[ "$digest" = "${AWSAUTH_SHA256:-$digest}" ] || fail "$archive has the SHA-256 $digest, but AWSAUTH_SHA256 is $AWSAUTH_SHA256"
tar -xzf "$archive" "$program"
if [ -n "${GITHUB_PATH:-}" ]; then
    printf '%s\n' "$folder" >>"$GITHUB_PATH"
fi
