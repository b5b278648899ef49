"""A page with Gradio (pip install gradio): python examples/gradio_app.py."""

import gradio
import numpy as np

from facial_emotion import EMOTIONS, faces_in, load

recognizer = load()


def recognize(picture: np.ndarray | None) -> dict[str, float]:
    """The probabilities of the largest face in a picture, uint8 RGB (h, w, 3); none where there is no face."""
    faces = [] if picture is None else faces_in(picture, recognizer)
    if not faces:
        return {}
    largest = max(faces, key=lambda face: float(np.prod(face.box[2:] - face.box[:2])))
    return dict(zip(EMOTIONS, map(float, largest.probabilities), strict=True))


page = gradio.Interface(recognize, gradio.Image(), gradio.Label(num_top_classes=7), title="Facial emotions")

if __name__ == "__main__":
    page.launch()
