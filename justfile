# What is here, one line each.
default:
    @just --list

# The main job on the example manifest: merge a role in, show the difference, write nothing.
demo:
    cargo run -- map role arn:aws:iam::111122223333:role/mytestrole --username admin --group system:masters --file examples/aws-auth.yaml --dry-run=client

# All tests, on real parts.
test:
    cargo test

# What CI runs.
check:
    .ci/run

lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# The static, position-independent binary for Linux.
static:
    cargo static

# Ratios beside kubectl and bare YAML, in one run.
bench:
    cargo bench

# The editing laws under libFuzzer; needs nightly and cargo-fuzz.
fuzz:
    cd fuzz && cargo +nightly fuzz run laws
