# Debian's PgBouncer, for compose.yaml.
FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends pgbouncer \
    && rm -rf /var/lib/apt/lists/*
COPY pgbouncer.sh /usr/local/bin/
USER postgres
EXPOSE 6432
CMD ["pgbouncer.sh"]
