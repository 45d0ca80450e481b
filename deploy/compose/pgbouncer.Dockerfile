# Debian's PgBouncer with the settings of deploy/pgbouncer.ini, except for where it listens.
FROM debian:trixie-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends pgbouncer \
    && rm -rf /var/lib/apt/lists/*
USER postgres
EXPOSE 6432
CMD ["sh", "-c", "printf '\"gatewayz\" \"%s\"\\n' \"$APPLICATION_PASSWORD\" > /tmp/users && \
    exec pgbouncer /etc/pgbouncer/gatewayz.ini"]
