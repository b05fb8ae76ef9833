#!/bin/sh
# Runs awsauth as a pipeline step: sh step.sh apply|diff|lint [FILE…]
#
# Environment variables set the options. Every flag of awsauth has one (AWSAUTH_CLUSTER_NAME, AWSAUTH_WAIT, AWSAUTH_VERIFY and so on); an empty variable is
# treated as unset. This script also reads STEP_FILES (more files, one per line), and STEP_PRUNE, STEP_DRY_RUN and STEP_FAIL_ON_CHANGE (true or anything else).
set -eu

usage="usage: sh step.sh apply|diff|lint [FILE...]"
command=${1:?$usage}
shift
case $command in
apply | diff | lint) ;;
*)
    echo "error: cannot run the step: there is no command $command" >&2
    echo "hint: $usage" >&2
    exit 2
    ;;
esac

files=$(for file; do printf '%s\n' "$file"; done && printf '%s\n' "${STEP_FILES:-}")
set --
while read -r file; do
    case $file in
    '') ;;
    *) if [ "$command" = lint ]; then set -- "$@" "$file"; else set -- "$@" "--filename=$file"; fi ;;
    esac
done <<END
$files
END
[ "$command" != lint ] || set -- -- "$@"
if [ "$command" = apply ]; then
    [ "${STEP_DRY_RUN:-}" != true ] || set -- --dry-run "$@"
fi
if [ "$command" != lint ]; then
    [ "${STEP_PRUNE:-}" != true ] || set -- --prune "$@"
fi
if [ "${GITHUB_ACTIONS:-}" = true ]; then
    set -- --output=github "$@"
fi

status=0
awsauth "$command" "$@" || status=$?
if [ "$command" = diff ] && [ "$status" = 1 ] && [ "${STEP_FAIL_ON_CHANGE:-}" != true ]; then
    status=0
fi
exit "$status"
