# The server: docker build -t fer . && docker run -p 8000:8000 fer
# The app:    docker build -t fer-app --target app . && docker run -p 8501:8501 fer-app

# Both contain PyAV, whose wheel carries libx264 and libx265 under the GPL, version 2 or later: an image that is passed on
# is under the GPL as a whole.

FROM python:3.11-slim AS base
RUN useradd --create-home --uid 1000 fer
WORKDIR /fer
COPY . .
ENV FER_CACHE=/home/fer/.cache/facial-emotion OMP_NUM_THREADS=2 PYTHONUNBUFFERED=1

FROM base AS app
RUN pip install --no-cache-dir --disable-pip-version-check -c requirements-run.txt '.[app]' && rm -rf /fer/*
USER fer
EXPOSE 8501
CMD ["facial-emotion", "app", "--host", "0.0.0.0"]

FROM base AS server
RUN pip install --no-cache-dir --disable-pip-version-check -c requirements-run.txt '.[cli,serve]' && rm -rf /fer/*
USER fer
ENV GLIBC_TUNABLES=glibc.malloc.hugetlb=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD \
    ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
CMD ["facial-emotion", "serve", "--host", "0.0.0.0"]
