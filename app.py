"""The app, for ``streamlit run app.py``. The same as ``facial-emotion app``; its pages are in facial_emotion/views."""

from facial_emotion.views.app import draw

draw()
