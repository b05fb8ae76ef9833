#!/bin/sh
# Builds the image for amd64 and arm64 into an OCI archive, and prints its digest as a step's output: sh .github/build-image.sh FILE
#
# BASE is the image of the compiler, pinned by digest, for example rust:1.95-trixie@sha256:DIGEST.
set -eu

file=$1
if ! printf '%s\n' "${BASE:-}" | grep -Eq '@sha256:[0-9a-f]{64}$'; then
    echo "error: cannot build the image: BASE is not pinned by digest: ${BASE:-it is not set}" >&2
    echo "hint: set the repository's variable BASE_IMAGE to IMAGE:TAG@sha256:DIGEST; docker buildx imagetools inspect IMAGE:TAG prints the digest" >&2
    exit 1
fi
built=$(mktemp)
trap 'rm -f "$built"' EXIT
# Without BuildKit's own attestations, which would add entries for no platform to the index. The release workflow attests the index.
docker buildx build --platform linux/amd64,linux/arm64 --provenance=false --sbom=false --metadata-file "$built" --output "type=oci,dest=$file" \
    --build-arg "BASE=$BASE" --build-arg "VERSION=$RELEASE_VERSION" --build-arg "REVISION=$GITHUB_SHA" \
    --build-arg "SOURCE=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" .
echo "digest=$(jq --exit-status --raw-output '."containerimage.digest"' "$built")" >>"$GITHUB_OUTPUT"
