#!/bin/sh
# Installs a release of awsauth into a folder: sh install.sh VERSION FOLDER
#
# With VERSION "path", uses the awsauth on the PATH and downloads nothing. Any other version is downloaded from the release page of AWSAUTH_REPOSITORY, which
# is OWNER/NAME on GitHub or a URL. In the GitHub action, the default is the repository of the action. In GitHub Actions, adds the folder to the PATH of later
# steps.
#
# The archive must match each checksum that is known: in checksums.txt of the release page; in checksums.txt next to this script, which the release workflow adds
# to the commit of a release; and in AWSAUTH_SHA256. The action installs nothing that only the release page vouches for. If gh is signed in to GitHub, the
# archive must also have a build attestation of the repository's release workflow.
set -eu

version=${1:?"usage: sh install.sh VERSION FOLDER"}
folder=${2:?"usage: sh install.sh VERSION FOLDER"}

# Prints an error, without the user and password of a URL.
fail() {
    printf 'error: cannot install awsauth %s: %s\n' "$version" "$1" | sed 's|https://[^/ ]*@|https://|' >&2
    exit 1
}

sha256() {
    if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -d ' ' -f 1
}

# Prints the checksum of file $2 in list $1.
listed() {
    while read -r each name; do [ "${name#\*}" != "$2" ] || echo "$each"; done <"$1"
}

# Whether gh can look up attestations.
has_gh() {
    command -v gh >/dev/null && gh attestation verify --help >/dev/null 2>&1 && gh auth token >/dev/null 2>&1
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
local_checksums=$(dirname "$0")/checksums.txt
pinned=
[ ! -f "$local_checksums" ] || pinned=$(listed "$local_checksums" "$archive")
if [ -z "$pinned${AWSAUTH_SHA256:-}" ] && [ -n "${ACTION_REPOSITORY:-}" ]; then
    fail "this commit of the action has no checksum of $archive
hint: use the action at the tag or commit of release $version, or set the input sha256"
fi
mkdir -p "$folder"
# Use file names without a folder, because tar reads the drive letter of a Windows path as a host name.
cd "$folder"
trap 'rm -f "$archive" checksums.txt' EXIT
for file in "$archive" checksums.txt; do
    curl --proto '=https' --tlsv1.2 -sSfL --retry 3 -o "$file" "$page/$file" || fail "$page/$file cannot be downloaded"
done
digest=$(sha256 "$archive")
expected=$(listed checksums.txt "$archive")
[ -n "$expected" ] || fail "checksums.txt does not name $archive"
[ "$digest" = "$expected" ] || fail "$archive has the SHA-256 $digest, but checksums.txt has $expected"
[ "$digest" = "${pinned:-$digest}" ] || fail "$archive has the SHA-256 $digest, but release $version was built with $pinned"
[ "$digest" = "${AWSAUTH_SHA256:-$digest}" ] || fail "$archive has the SHA-256 $digest, but AWSAUTH_SHA256 is $AWSAUTH_SHA256"
case $repository in
https://github.com/*) owner_and_name=${repository#https://github.com/} owner_and_name=${owner_and_name%/} ;;
*) owner_and_name= ;;
esac
if [ -n "$owner_and_name" ] && has_gh; then
    gh attestation verify "$archive" --repo "$owner_and_name" --signer-workflow "$owner_and_name/.github/workflows/release.yml" >&2 ||
        fail "gh finds no build attestation of $archive by the release workflow of $owner_and_name"
else
    echo "note: the build attestation of $archive was not verified: this needs gh, signed in, and a repository on GitHub" >&2
fi
tar -xzf "$archive" "$program"
if [ -n "${GITHUB_PATH:-}" ]; then
    printf '%s\n' "$folder" >>"$GITHUB_PATH"
fi
