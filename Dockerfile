# Etappe on a slim CPython, run by a user without rights. Build: docker build -t etappe .
# The container listens on all addresses, so it needs keys: docker exec CONTAINER etappe keys create --kind secret
FROM python:3.12-slim AS build
WORKDIR /build
RUN python -m venv /opt/etappe
COPY constraints.txt ./
RUN /opt/etappe/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes \
        -r constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /opt/etappe/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.12-slim
RUN groupadd --gid 10001 etappe && useradd --uid 10001 --gid etappe --no-create-home --home-dir /data etappe \
    && install -d -o etappe -g etappe -m 750 /data
COPY --from=build /opt/etappe /opt/etappe
# All that is written goes into the volume, also what is temporary and the kernels compiled for this processor.
ENV PATH=/opt/etappe/bin:$PATH PYTHONUNBUFFERED=1 ETAPPE_DATA=/data TMPDIR=/data NUMBA_CACHE_DIR=/data/run/kernels
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Of `etappe serve`; start a worker with --no-healthcheck.
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s --retries=3 CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["etappe"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
