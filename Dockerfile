# The environment is made as everywhere else, by scripts/install from the hashed lock; the runtime has neither pip's
# cache nor a compiler. Built and run with:
#   docker build --tag kaejon . && docker run --publish 8000:8000 --volume kaejon:/data kaejon
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY pyproject.toml requirements.lock README.md ./
COPY scripts/install scripts/install
RUN scripts/install

FROM python:3.11-slim-bookworm
# An account with an entry in /etc/passwd: the embedded PostgreSQL looks its name up, and does not run as root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin kaejon \
    && install --directory --owner kaejon --group kaejon --mode 0700 /data
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY pyproject.toml ./
COPY api api
COPY auth auth
COPY domain domain
COPY persistence persistence
COPY openapi openapi
RUN .venv/bin/python -m compileall -q api auth domain persistence
USER 10001
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1
# Set KAEJON_DATABASE_URL in production; without it, PostgreSQL runs in this container and keeps its data here.
VOLUME /data
EXPOSE 8000
# The first start makes the database, which takes its time on a slow disk.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["kaejon", "serve", "--host", "0.0.0.0", "--port", "8000", "--data-dir", "/data"]
