# Debian's PgBouncer, for compose.yaml.
FROM debian:trixie-slim
# Debian keeps one version of a package: one that is pinned could not be had after the next update.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends pgbouncer \
    && rm -rf /var/lib/apt/lists/*
COPY pgbouncer.sh /usr/local/bin/
# hadolint ignore=DL3066
USER postgres
EXPOSE 6432
CMD ["pgbouncer.sh"]
