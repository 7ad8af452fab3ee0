# Plumbline in a container:
#   docker build -t plumbline .
#   docker run --rm -v "$PWD/results:/plumbline/results" -v "$PWD/.snakemake:/plumbline/.snakemake" \
#       -v "$PWD/downloads:/plumbline/downloads" plumbline
# .snakemake holds the records from which the next run knows what is done.  `--gpus all` lends the
# accelerators.  For a smaller image without CUDA, --build-arg PLUMBLINE_TORCH_INDEX=... names a
# place that has builds of torch for the CPU alone.
FROM python:3.11-slim

# A home that every user of `docker run --user` may write to.
ENV HOME=/tmp
# foolbox asks for git when it is imported; nothing here needs it.
ENV GIT_PYTHON_REFRESH=quiet
WORKDIR /plumbline

# The environment alone, so that it is made anew only when the lock changes.
ARG PLUMBLINE_TORCH_INDEX
COPY requirements.txt plumbline ./
RUN ./plumbline run --version

COPY . .
ENTRYPOINT ["./plumbline"]
CMD ["run"]
