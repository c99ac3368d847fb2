# The same steps as bin/serve: make the environment from the pinned list, then start the server.
#
#   docker build -t heardback .
#   docker run --read-only -v heardback:/data -p 127.0.0.1:8080:8080 heardback
#
# Only /data is written to: the database, the secret key and temporary files.

FROM python:3.13-slim-bookworm AS builder
WORKDIR /heardback
COPY bin bin
COPY requirements requirements
RUN bin/setup runtime
COPY . .
RUN .venv/bin/python -m compileall -q app migrations

FROM python:3.13-slim-bookworm
RUN groupadd --system --gid 10001 heardback \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin heardback \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
WORKDIR /heardback
COPY --from=builder /heardback .
# The variable named SECRET_KEY_FILE holds a path and no secret.
# hadolint ignore=DL3064
ENV HEARDBACK_HOST=0.0.0.0 \
    HEARDBACK_DATABASE_URL=sqlite:////data/heardback.db \
    HEARDBACK_SECRET_KEY_FILE=/data/secret.key \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/data
VOLUME /data
EXPOSE 8080
USER 10001:10001
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD [".venv/bin/python", "-I", "bin/lib/ready.py"]
CMD ["bin/serve"]
