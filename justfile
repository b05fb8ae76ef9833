# What is here, one line each.
default:
    @just --list

# The whole story on real parts, told line by line.
demo:
    ./demo

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
