# The image of the API, the worker and the database steps: one image, the command chooses.
# A release pins the base by digest as well: `docker buildx imagetools inspect python:3.11-slim-bookworm` prints it;
# put it into PYTHON_IMAGE as python:3.11-slim-bookworm@sha256:<digest>.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# ---- build: a virtual environment out of hash-locked wheels, and the project's own wheel ----
FROM ${PYTHON_IMAGE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /build

# Requirements first, so that a change of the source reuses these two layers. Only wheels: nobody's setup.py runs here.
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv --without-pip /opt/slrt \
    && python -m pip --python /opt/slrt/bin/python install --require-hashes --only-binary :all: -r requirements/runtime.txt
RUN python -m pip install --require-hashes --only-binary :all: -r requirements/build.txt

COPY pyproject.toml README.md LICENSE ./
COPY src/ src/
COPY migrations/ migrations/
# The root file system is read-only at run time, so the byte code is written now; unchecked, because nobody edits an image.
RUN python -m hatchling build -t wheel -d dist \
    && python -m pip --python /opt/slrt/bin/python install --no-deps --no-index dist/*.whl \
    && /opt/slrt/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/slrt/lib

# ---- runtime: no compiler, no installer, no PostgreSQL, no root ----
FROM ${PYTHON_IMAGE} AS runtime

ARG VERSION=unreleased
ARG REVISION=unknown
LABEL org.opencontainers.image.title="slrt-api" \
      org.opencontainers.image.description="Headless platform for Indonesia's integrated social service and referral system (SLRT)" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# A fixed number, so that Kubernetes can check runAsNonRoot and a host can give files to it.
RUN python -m pip uninstall --yes --quiet --root-user-action ignore setuptools wheel pip \
    && groupadd --system --gid 10001 slrt \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin slrt \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/slrt/attachments

COPY --from=build /opt/slrt /opt/slrt

# Production by default: without keys, an issuer and a database the service refuses to start.
ENV PATH=/opt/slrt/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SLRT_ENV=production

USER 10001:10001
WORKDIR /tmp
EXPOSE 8000

# SIGTERM begins the orderly end: not ready, drain, close. Give it 30 seconds before SIGKILL.
STOPSIGNAL SIGTERM

# Liveness only: it never asks the database, so that a database fault does not restart every API.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2).close()"]

ENTRYPOINT ["slrt-api"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
