"""A window with the webcam's picture and its emotions, until q is pressed. It needs opencv-python, which has windows.

python examples/webcam.py            # or a video file instead of the camera: python examples/webcam.py party.mp4
"""

import sys

import cv2

from facial_emotion import load
from facial_emotion.drawing import annotated
from facial_emotion.video.stream import Settings, Stream

camera = cv2.VideoCapture(sys.argv[1] if len(sys.argv) > 1 else 0)
stream = Stream(Settings(load("cnn")))
frames = 0
while True:
    there, bgr = camera.read()
    if not there:
        break
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    view = stream.process(rgb)
    frames += 1
    try:
        cv2.imshow("emotions, q to quit", cv2.cvtColor(annotated(rgb, view.faces), cv2.COLOR_RGB2BGR))
    except cv2.error:
        sys.exit("this OpenCV has no windows: pip install opencv-python instead of opencv-python-headless")
    if cv2.waitKey(1) == ord("q"):
        break
camera.release()
if not frames:
    sys.exit("no picture from the camera")
