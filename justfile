# List the recipes.
default:
    @just --list

# Run the demo: a complete session against a local cluster.
demo:
    ./demo

# Run all tests against real servers.
test *arguments:
    ./test {{arguments}}

# Run all CI checks.
check:
    .ci/run

# Check formatting and run clippy.
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Build the static, position-independent binary for Linux.
static:
    cargo static

# Measure awsauth relative to kubectl and a plain YAML parser.
bench:
    cargo bench

# Fuzz the properties of edits with libFuzzer. Needs nightly and cargo-fuzz.
fuzz:
    cd fuzz && cargo +nightly fuzz run edit_properties

# Fuzz admission reviews in the same way.
fuzz-reviews:
    cd fuzz && cargo +nightly fuzz run admission_review
