"""A window with the webcam's picture and its emotions, until q is pressed. It needs opencv-python, which has windows.

python examples/webcam.py            # or a video file instead of the camera: python examples/webcam.py party.mp4
"""

import sys

from facial_emotion import InputError, live

try:
    for faces in live(sys.argv[1] if len(sys.argv) > 1 else 0, window=True):
        print(", ".join(face.caption for face in faces) or "no face")
except InputError as error:
    sys.exit(str(error))
