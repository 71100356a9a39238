# A worker. From the repository's root, for a GPU, every model:
#
#   docker build -f docker/worker.Dockerfile -t ghcr.io/eva01/worker:0.1.0 .
#
# For any CPU, `ocr` and `nano`; EXTRAS=ocr besides leaves torch out, and `nano` with it:
#
#   docker build -f docker/worker.Dockerfile -t ghcr.io/eva01/worker:0.1.0-cpu \
#       --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .
#
# The CUDA runtime comes with torch: its wheels on PyPI depend on NVIDIA's, each in the version that torch was
# built with. On a base image of nvidia/cuda a second CUDA, of another version, would lie beside it unused, and
# make it some gigabytes larger. The driver is the host's, which NVIDIA's container toolkit mounts.
#
# Runs with a read-only root: only /data, /models and /tmp are written to.
ARG PYTHON=3.11.14-slim-bookworm

FROM python:${PYTHON} AS build
ARG EXTRAS=worker,ocr
# Of two builds of one version pip takes the one with a local label, such as 2.13.0+cpu.
ARG TORCH_INDEX=https://pypi.org/simple
WORKDIR /src
# As in web.Dockerfile: what EVA-01 needs first, because it is gigabytes and changes seldom.
COPY pyproject.toml setup.cfg README.md LICENSE docker/constraints.txt ./
COPY eva01/version.txt eva01/
RUN python -m venv /opt/eva01
RUN /opt/eva01/bin/pip install --disable-pip-version-check -c constraints.txt \
    --extra-index-url "$TORCH_INDEX" ".[$EXTRAS]"
COPY jobs jobs
COPY worker worker
RUN /opt/eva01/bin/pip install --disable-pip-version-check --no-deps --force-reinstall .

FROM python:${PYTHON}
# tini: a process with the number 1 does not hear SIGTERM before it has a handler, and importing torch takes
# seconds. Without it a pod that is removed while it starts would stay for its whole grace period.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --home-dir /data --no-create-home --shell /usr/sbin/nologin eva01 \
    && install -d -o eva01 -g eva01 /data /models
COPY --from=build /opt/eva01 /opt/eva01
# The last two ask NVIDIA's container toolkit for the driver's compute libraries; without a GPU they do nothing.
ENV PATH=/opt/eva01/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    EVA01_DATA=/data \
    EVA01_WORKER_HOST=0.0.0.0 \
    EVA01_WORKER_PORT=9100 \
    HF_HOME=/models \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /data
USER 10001:10001
VOLUME ["/data", "/models"]
EXPOSE 9100
# It answers while the model loads, so a slow download is not taken for a fault.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import http.client, os; worker = http.client.HTTPConnection('127.0.0.1', int(os.environ['EVA01_WORKER_PORT']), timeout=4); worker.request('GET', '/health'); raise SystemExit(worker.getresponse().status != 200)"]
ENTRYPOINT ["tini", "--", "python", "-P", "-m", "worker"]
CMD ["--model", "qwen2.5-vl-7b"]
