# The server: docker build -t fer . && docker run -p 8000:8000 fer
# The app:    docker run -p 8501:8501 fer streamlit run app.py --server.address 0.0.0.0
FROM python:3.11-slim
RUN useradd --create-home --uid 1000 fer
WORKDIR /fer
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY . .
USER fer
ENV FER_CACHE=/home/fer/.cache OMP_NUM_THREADS=2 PYTHONUNBUFFERED=1
EXPOSE 8000 8501
CMD ["python", "serve.py", "--host", "0.0.0.0"]
