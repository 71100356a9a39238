# A worker. From the repository's root, for a GPU, every model:
#
#   docker build -f docker/worker.Dockerfile -t ghcr.io/eva01/worker:0.1.0 .
#
# For any CPU, `ocr` and `nano`; LOCK=ocr leaves torch out, and `nano` with it:
#
#   docker build -f docker/worker.Dockerfile -t ghcr.io/eva01/worker:0.1.0-cpu --build-arg LOCK=worker-cpu .
#
# For models of other servers, `openai:NAME`, and nothing else:
#
#   docker build -f docker/worker.Dockerfile -t ghcr.io/eva01/worker-openai:0.1.0 --build-arg LOCK=openai .
#
# For models that vLLM runs within the worker, on a GPU. Triton makes its kernels when it runs, by a compiler:
#
#   docker build -f docker/worker.Dockerfile -t ghcr.io/eva01/worker-vllm:0.1.0 --build-arg LOCK=vllm --build-arg COMPILER="gcc libc6-dev" .
#
# The CUDA runtime comes with torch: its wheels on PyPI depend on NVIDIA's, each in the version that torch was
# built with. On a base image of nvidia/cuda a second CUDA, of another version, would lie beside it unused, and
# make it some gigabytes larger. The driver is the host's, which NVIDIA's container toolkit mounts.
#
# Runs with a read-only root: only /data, /models and /tmp are written to.
#
# The base is pinned by its digest (scripts/pin_images), Python's packages by their hashes (scripts/lock); Debian's
# packages are what its archive has on the day of the build.
ARG BASE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${BASE} AS build
# Which of docker/locks.
ARG LOCK=worker
# Where torch's wheels for CPUs are. A lock takes no file but those whose hashes it has, wherever they are from.
ARG TORCH_CPU=https://download.pytorch.org/whl/cpu/torch/
WORKDIR /src
# As in web.Dockerfile: what EVA-01 needs first, because it is gigabytes and changes seldom.
COPY docker/locks locks
RUN python -m venv /opt/eva01
RUN /opt/eva01/bin/pip install --disable-pip-version-check --require-hashes --only-binary :all: \
    --find-links "$TORCH_CPU" -r "locks/$LOCK.txt"
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY eva01/version.txt eva01/
COPY jobs jobs
COPY worker worker
RUN /opt/eva01/bin/pip install --disable-pip-version-check --no-index --no-build-isolation . \
    && /opt/eva01/bin/pip check

FROM ${BASE}
# Packages of Debian besides.
ARG COMPILER=
# tini: a process with the number 1 does not hear SIGTERM before it has a handler, and importing torch takes
# seconds. Without it a pod that is removed while it starts would stay for its whole grace period.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini $COMPILER \
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
