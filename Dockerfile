# One image for the four services of compose.offline.yml, which run it with different roles.
#
# Build it on a machine with internet:     docker build -t skerry:0.1.0 .
# or offline, with a filled wheels/:       docker build --network none -t skerry:0.1.0 .
# Transfer it to the offline machine:      python3 scripts/save_images.py --help
#
# A container alone serves plain HTTP only with SKERRY_INSECURE_HTTP=true; docs/tls.md has the others.
#
# BASE_IMAGE is any image with Python 3.11 or newer and useradd, such as Debian's with python3 and
# python3-venv. The first stage installs the packages of requirements.lock with their hashes; the
# second copies the result and needs no network.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
WORKDIR /opt/skerry
COPY . .
RUN python3 launcher.py install && rm -rf wheels

FROM ${BASE_IMAGE}
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin skerry \
    && install -d -m 0700 -o skerry -g skerry /var/lib/skerry /var/lib/skerry/files
COPY --from=build /opt/skerry /opt/skerry
WORKDIR /opt/skerry
USER 10001
ENV SKERRY_DATA=/var/lib/skerry SKERRY_BIND=0.0.0.0 PYTHONDONTWRITEBYTECODE=1
VOLUME /var/lib/skerry
EXPOSE 8000
# Healthy when every program of the role runs and, in the role web, /healthz answers. Exit status 3
# means that something is wrong that a restart does not mend, such as a full disk.
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --retries=4 \
    CMD ["sh", "-c", "python3 launcher.py status || [ $? -eq 3 ]"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python3", "launcher.py"]
CMD ["--role", "all"]
