"""Every picture and video of a folder, into a CSV: python examples/folder.py holiday/ results.csv."""

import sys

from facial_emotion.batch.run import Options, recognize

folder, out = sys.argv[1:3]
summary = recognize([folder], out, Options("cnn"), overwrite=True)
print(f"{summary.rows} faces in {summary.sources} files")
for path, reason in summary.failed:
    print(f"{path}: {reason}")
