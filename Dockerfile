# The release build on Debian, run by an unprivileged user.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/target \
    CARGO_TARGET_DIR=/target cargo build --locked --release && cp /target/release/guichet /usr/local/bin/guichet

FROM debian:bookworm-slim
# Public certificate authorities, to fetch the keys of the identity provider.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home guichet \
    && install -d -o guichet -g guichet -m 0700 /data
COPY --from=build /usr/local/bin/guichet /usr/local/bin/guichet
USER guichet
WORKDIR /data
ENV BIND=0.0.0.0:8080 DATA_DIR=/data LOG_FORMAT=json
EXPOSE 8080
VOLUME /data
# Exec form, so that SIGTERM reaches guichet, which then stops gracefully.
ENTRYPOINT ["/usr/local/bin/guichet"]
CMD ["serve"]
