"""All limits of what is decoded, computed and kept: of the commands, the library and the server.

Each is checked before memory is allocated or time is spent. Sizes are in pixels unless said otherwise.
"""

from __future__ import annotations

# Pictures
PIXELS = 120_000_000  # of a picture that takes little more than its pixels to decode
SIDE = 65_535  # of the longer side, as in a JPEG: a strip has no face, and the search pads it
PADDING = 4_096  # of the longer side, by which a file's tiles or codestream may be larger than the picture
SCANS = 64  # of a JPEG: each takes time for all pixels, and photographs have about ten
PAGES = 100  # of a TIFF
FILE = 1_000_000_000  # bytes
# How many times the memory and time of other pictures some kinds take: fewer pixels are allowed in proportion.
COST = {"progressive JPEG": 2, "WEBP": 2, "AVIF": 2, "HEIF": 2, "JPEG2000": 6, "plain PPM": 30, "wide TIFF": 2}

# The search for faces
SEARCHED = 75_000_000  # of the picture as it is enlarged for the smallest face
CANDIDATES = 1_000  # places that are looked at again, those with the best scores
BOXES = 5_000  # of a picture or a part of it that are compared with one another

# Videos
FRAME = 40_000_000  # of a frame, as it is stored and as it is shown: 8K has 33 million

# Data sets
LINE = 1_000_000  # characters of a table's line
ROWS = 200_000  # of a table
BLANK_LINES = 1_000  # at a table's end
JSON = 20_000_000  # bytes of a card or a journal

MEMBERS = 100  # of an ensemble

UPLOAD = 200  # megabytes (2**20 bytes) of a file that is given to the app: more needs a command on one's own computer

# The server: defaults of its options, and what they leave open
BODY = 10_000_000  # bytes of a request
SERVED = 40_000_000  # pixels of a picture
SERVED_FACE = 24  # height of the smallest face: smaller ones in the largest picture would take longer than is allowed
WAITING = 64  # requests
SECONDS = 10.0  # for a request
KEEP_ALIVE = 75.0  # seconds of a connection between two requests: load balancers wait for a minute
HEAD_SECONDS = 5.0  # for a request's head; up to twice as long is given
UNREAD_LOOKS = 3  # of HEAD_SECONDS each, in which a client must read some of its answer
READ_BYTES = 5_000  # of an answer that must be read in one of these
CONNECTIONS = 1_000
STARTS = 3  # tries to start a worker again
# What a worker may allocate beyond its models: for the search, and for each pixel that a picture may have.
WORKER_BYTES, PIXEL_BYTES = 600_000_000, 16
RESTART_SECONDS = 2.0  # from one of these tries to the next, and twice as long each time
