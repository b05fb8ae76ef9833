#!/bin/sh
# Runs awsauth as a pipeline step: sh step.sh apply|diff|lint [FILE…]
#
# Environment variables set the options. Every flag of awsauth has one (AWSAUTH_CLUSTER_NAME, AWSAUTH_WAIT, AWSAUTH_VERIFY and so on); an empty variable is
# treated as unset. This script also reads STEP_FILES (more files, one per line), and STEP_PRUNE, STEP_DRY_RUN and STEP_FAIL_ON_CHANGE (true or false).
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

# Whether the switch $1 with the value $2 is on. A value that is not understood must not turn a dry run into a write.
is_on() {
    case $2 in
    true | True | TRUE | yes | Yes | YES | on | On | ON | 1) return 0 ;;
    false | False | FALSE | no | No | NO | off | Off | OFF | 0 | '') return 1 ;;
    esac
    echo "error: cannot run the step: $1 is neither true nor false" >&2
    exit 2
}

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
if is_on dry-run "${STEP_DRY_RUN:-}" && [ "$command" = apply ]; then set -- --dry-run "$@"; fi
if is_on prune "${STEP_PRUNE:-}" && [ "$command" != lint ]; then set -- --prune "$@"; fi
if is_on fail-on-change "${STEP_FAIL_ON_CHANGE:-}"; then changed=1; else changed=0; fi
if [ "$command" != lint ]; then
    # On the command line, these win over AWSAUTH_FILE, which would name another place.
    [ -z "${AWSAUTH_CLUSTER_NAME:-}" ] || set -- "--cluster-name=$AWSAUTH_CLUSTER_NAME" "$@"
    [ -z "${AWSAUTH_EXPECT_CLUSTER:-}" ] || set -- "--expect-cluster=$AWSAUTH_EXPECT_CLUSTER" "$@"
fi
if [ "${GITHUB_ACTIONS:-}" = true ]; then
    set -- --output=github "$@"
fi

status=0
awsauth "$command" "$@" || status=$?
if [ "$command" = diff ] && [ "$status" = 1 ]; then
    status=$changed
fi
exit "$status"
