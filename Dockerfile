# The controller's image. It contains only the released binary and the CA certificates for connections to AWS.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg BASE=rust:1.95-trixie@sha256:DIGEST -t REPOSITORY:TAG --push .
#
# Cross-compiles on the builder's own platform, so that nothing runs under emulation.

# The image of the compiler. A tag can be replaced; the release workflow accepts only a digest.
ARG BASE=rust:1.95-trixie
FROM --platform=$BUILDPLATFORM ${BASE} AS build
ARG BUILDARCH
ARG TARGETARCH
WORKDIR /src
RUN case "$BUILDARCH-$TARGETARCH" in \
        amd64-arm64) PACKAGES="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;; \
        arm64-amd64) PACKAGES="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;; \
        *) exit 0 ;; \
    esac \
    && apt-get update && apt-get install -y --no-install-recommends $PACKAGES && rm -rf /var/lib/apt/lists/*
ENV CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=x86_64-linux-gnu-gcc \
    CC_x86_64_unknown_linux_gnu=x86_64-linux-gnu-gcc
COPY . .
RUN case "$TARGETARCH" in \
        amd64) TARGET=x86_64-unknown-linux-gnu ;; \
        arm64) TARGET=aarch64-unknown-linux-gnu ;; \
        *) echo "platform $TARGETARCH is not supported" >&2; exit 1 ;; \
    esac \
    && rustup target add "$TARGET" \
    && cargo build --locked --release --config .cargo/static.toml --target "$TARGET" \
    && install -D -m 0755 "target/$TARGET/release/awsauth" /out/awsauth

FROM scratch
ARG VERSION=
ARG REVISION=
ARG SOURCE=
# https://specs.opencontainers.org/image-spec/annotations/
LABEL org.opencontainers.image.title=awsauth \
    org.opencontainers.image.description="Merges AwsAuthMapping objects into the aws-auth ConfigMap of an EKS cluster and protects it from harmful changes" \
    org.opencontainers.image.licenses=Apache-2.0 \
    org.opencontainers.image.version=${VERSION} \
    org.opencontainers.image.revision=${REVISION} \
    org.opencontainers.image.source=${SOURCE}
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/awsauth /awsauth
USER 65532:65532
ENTRYPOINT ["/awsauth"]
CMD ["controller"]
