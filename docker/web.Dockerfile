# Web, and the command: no torch, about 300 MB. From the repository's root:
#
#   docker build -f docker/web.Dockerfile -t ghcr.io/eva01/web:0.1.0 .
#
# Runs with a read-only root: only /data and /tmp are written to.
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS build
WORKDIR /src
# Without any package beside them, these files install what EVA-01 needs and an empty EVA-01. Code changes
# daily and dependencies do not, so this layer is seldom built.
COPY pyproject.toml setup.cfg README.md LICENSE docker/constraints.txt ./
COPY eva01/version.txt eva01/
RUN python -m venv /opt/eva01
RUN /opt/eva01/bin/pip install --disable-pip-version-check -c constraints.txt ".[web]"
COPY jobs jobs
COPY web web
COPY eva01 eva01
RUN /opt/eva01/bin/pip install --disable-pip-version-check -c constraints.txt ./eva01 \
    && /opt/eva01/bin/pip install --disable-pip-version-check --no-deps --force-reinstall .
# What the quarterly stress test runs (k8s/base/upkeep.yaml); no part of what is installed elsewhere.
COPY scripts/stressing scripts/stressing
RUN cp -r scripts /opt/eva01/lib/python3*/site-packages/

FROM python:${PYTHON}
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin eva01 \
    && install -d -o eva01 -g eva01 /data
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
