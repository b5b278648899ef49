"""The faces of one picture: python examples/picture.py portrait.jpg. Without a path, the example that is shipped."""

import sys

from facial_emotion import examples, faces_in

picture = sys.argv[1] if len(sys.argv) > 1 else examples.portrait()
faces = faces_in(picture)
for face in faces:
    left, top, right, bottom = face.box
    print(f"face {face.number} at ({left}, {top})-({right}, {bottom}): {face.caption}")
if not faces:
    print("no face")
