# Web, and the command: no torch, about 300 MB. From the repository's root:
#
#   docker build -f docker/web.Dockerfile -t ghcr.io/eva01/web:0.1.0 .
#
# /keys is for a volume of compose's. Listens on all addresses, so it needs a key to start: EVA01_ADMIN_KEY (docs/keys.md). Runs with a read-only root: only
# /data and /tmp are written to.
#
# The base is pinned by its digest (scripts/pin_images), Python's packages by their hashes (scripts/lock); Debian's
# are those of the base.
ARG BASE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${BASE} AS build
WORKDIR /src
# What EVA-01 needs, before EVA-01: code changes daily and dependencies do not, so this layer is seldom built. Only
# wheels, so that nothing of a package runs while it is installed.
COPY docker/locks/web.txt ./
RUN python -m venv /opt/eva01
RUN /opt/eva01/bin/pip install --disable-pip-version-check --require-hashes --only-binary :all: -r web.txt
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY jobs jobs
COPY web web
COPY eva01 eva01
RUN /opt/eva01/bin/pip install --disable-pip-version-check --no-index --no-build-isolation ./eva01 . \
    && /opt/eva01/bin/pip check
# What the quarterly stress test runs (k8s/base/upkeep.yaml); no part of what is installed elsewhere.
COPY scripts/stressing scripts/stressing
RUN cp -r scripts /opt/eva01/lib/python3*/site-packages/

FROM ${BASE}
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin eva01 \
    && install -d -o eva01 -g eva01 /data /keys
COPY --from=build /opt/eva01 /opt/eva01
ENV PATH=/opt/eva01/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    EVA01_DATA=/data \
    EVA01_HOST=0.0.0.0 \
    EVA01_PORT=8000
WORKDIR /data
# By number: Kubernetes cannot tell from a name that it is not root.
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import http.client, os; web = http.client.HTTPConnection('127.0.0.1', int(os.environ['EVA01_PORT']), timeout=4); web.request('GET', '/health'); raise SystemExit(web.getresponse().status != 200)"]
# -P: what lies in /data is never imported.
ENTRYPOINT ["python", "-P", "-m", "web"]
