#!/bin/sh
# Packages the chart into a folder, with the published image as its default: sh .github/package-chart.sh DIGEST FOLDER
set -eu

digest=$1 folder=$2
if ! printf '%s\n' "$digest" | grep -Eqx 'sha256:[0-9a-f]{64}'; then
    echo "error: cannot package the chart: this is not a digest: $digest" >&2
    exit 1
fi
image=ghcr.io/$(printf '%s' "$GITHUB_REPOSITORY" | tr '[:upper:]' '[:lower:]')
pack=$(mktemp -d)
trap 'rm -rf "$pack"' EXIT
cp -R manifests/chart "$pack/awsauth"
sed "s|^  repository: awsauth\$|  repository: $image|; s|^  digest: \"\"\$|  digest: $digest|" manifests/chart/values.yaml >"$pack/awsauth/values.yaml"
for line in "  repository: $image" "  digest: $digest"; do
    if ! grep -Fqx "$line" "$pack/awsauth/values.yaml"; then
        echo "error: cannot package the chart: values.yaml has no line for $line" >&2
        exit 1
    fi
done
helm package "$pack/awsauth" --destination "$folder"
