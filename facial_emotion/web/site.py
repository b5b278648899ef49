"""The page that recognises emotions in the browser: its files, served on this machine or written into a folder.

What Python decides, as thresholds and how crops are framed, is in settings.json, made from where Python has it. ONNX
Runtime's files for the browser are in vendor/, which ``make web`` takes from its npm package.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from facial_emotion import __version__, artifact, paths, recognizers
from facial_emotion.drawing import HEX
from facial_emotion.errors import InputError, unwritable
from facial_emotion.features import centerface, crops, visibility
from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.features.faces import DETECTORS, SEEN, VIDEO_MIN_FACE
from facial_emotion.records import Json, read_json
from facial_emotion.video import tracking
from facial_emotion.video.stream import HOLD, TRACK_TIMEOUT, Settings

FOLDER = Path(__file__).parent
MODELS = ("cnn-ferplus", "cnn-balanced")  # of those that are shipped, the first at the start: small and fast ones
VENDOR = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm", "LICENSE")
_FRAME = (640, 480)  # of the warm-up
_FOLLOWED = 160  # pixels of the longer side of the picture in which faces are followed between two detections
_WORKER = "service-worker.js"
_TYPES = {
    **{".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript"},
    **{".json": "application/json", ".webmanifest": "application/manifest+json", ".svg": "image/svg+xml"},
    ".wasm": "application/wasm",
}
_POLICY = (
    "default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "style-src 'self'; img-src 'self' blob:; media-src 'self' blob: mediastream:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'self'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def files() -> dict[str, bytes]:
    """All files of the page by path. Raises InputError where one is missing or is not the one that was hashed."""
    found = {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in _TYPES}
    networks = _networks()
    found |= _vendor() | {f"models/{name}.onnx": content for name, content in networks.items()}
    found["settings.json"] = json.dumps(settings(networks)).encode()
    found["index.html"] = found["index.html"].replace(b"POLICY", _POLICY.encode())
    digest = hashlib.sha256(b"".join(name.encode() + content for name, content in sorted(found.items()))).hexdigest()
    listed = ["./", *sorted(name for name in found if name != _WORKER)]
    constants = {"VERSION": digest[:16], "FILES": listed, "HEADERS": HEADERS}
    text = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in constants.items())
    return found | {_WORKER: text.encode() + found[_WORKER]}


def models() -> list[str]:
    """The models that the page has: those of MODELS that there are. Raises InputError where there is none."""
    found = [name for name in MODELS if name in recognizers.names(paths.SHIPPED)]
    if not found:
        raise InputError(
            "models of the page", f"one of {', '.join(MODELS)}", ", ".join(recognizers.names(paths.SHIPPED)) or "none"
        )
    return found


def settings(networks: dict[str, bytes]) -> Json:
    """What the page's program needs to know of Python's. networks: by name."""
    framing = read_json(FOLDER.parent / "features" / "crop_calibration.json")
    return {
        "version": __version__,
        "emotions": list(EMOTIONS),
        "colours": [HEX[name] for name in EMOTIONS],
        "frame": list(_FRAME),
        "detector": {
            "seen": SEEN,
            "threshold": DETECTORS["centerface"].threshold,
            "smallest": DETECTORS["centerface"].min_face,
            "video_min_face": VIDEO_MIN_FACE,
            "follow": _FOLLOWED,
            **{"stride": centerface.STRIDE, "multiple": centerface.MULTIPLE, "overlap": centerface.NMS_OVERLAP},
            **{"candidate": centerface.CANDIDATE, "sure": centerface.SURE, "least": centerface.LEAST},
            **{"look_face": centerface.LOOK_FACE, "look_margin": centerface.LOOK_MARGIN},
            "max_enlargement": centerface.MAX_ENLARGEMENT,
        },
        "framing": {
            **{"box": framing["box_in_crop"]["centerface"], "points_in_crop": framing["points_in_crop"]},
            **{"natural_tilt": crops.NATURAL_TILT, "shape_limit": crops.SHAPE_LIMIT},
            "max_oversampling": crops.MAX_OVERSAMPLING,
        },
        "visible": {"contrast": visibility.CONTRAST, "face": visibility.FACE_DETAIL, "mouth": visibility.MOUTH_DETAIL},
        "stream": {
            **{"smoothing": Settings.smoothing, "hold": HOLD, "timeout": TRACK_TIMEOUT, "at_once": tracking.AT_ONCE},
            **{"min_overlap": tracking.MIN_OVERLAP, "same_scene": tracking.SAME_SCENE},
            "same_face": tracking.SAME_FACE,
        },
        "models": {name: _model(name) for name in models()},
        "sizes": {name: len(content) for name, content in networks.items()},
    }


def _model(name: str) -> Json:
    """How a model's answer comes from networks. Raises InputError for one whose members are not networks."""
    card = recognizers.card(name, paths.SHIPPED)
    members = [(recognizers.card(member.name, paths.SHIPPED), member.weight) for member in card.members] or [
        (card, 1.0)
    ]
    if any(own.track != "deep" for own, _ in members):
        raise InputError(name, "a network, or a model made of networks", f"track {card.track}")
    return {
        "labels": card.labels,
        "threshold": card.threshold,
        "offsets": card.offsets or [0.0] * len(EMOTIONS),
        "members": [
            {"file": own.model_of or own.name, "output": artifact.OUTPUTS[own.labels], "weight": weight}
            for own, weight in members
        ],
    }


def _networks() -> dict[str, bytes]:
    """The networks by name, each as it was hashed."""
    names = sorted({member["file"] for name in models() for member in _model(name)["members"]})
    own = {name: artifact.read_model(paths.SHIPPED / name, recognizers.card(name, paths.SHIPPED)) for name in names}
    return {"detector": centerface.read(), **own}


def _vendor() -> dict[str, bytes]:
    """ONNX Runtime's files for the browser, whose hashes are those of vendor.json."""
    expected = read_json(FOLDER / "vendor" / "vendor.json")["files"]
    content = {}
    for name in VENDOR:
        path = FOLDER / "vendor" / name
        if not path.exists():
            raise InputError(path, "a file of onnxruntime-web", "none", "make web, or install the package again")
        content[f"vendor/{name}"] = path.read_bytes()
        digest = hashlib.sha256(content[f"vendor/{name}"]).hexdigest()
        if digest != expected[name]:
            raise InputError(path, f"SHA-256 {expected[name][:12]}…", f"{digest[:12]}…", "make web")
    return content


def write(folder: Path, overwrite: bool = False) -> list[Path]:
    """Write the page into a folder, for any static host; returns the paths.

    Raises InputError for a folder that has files, unless they may be overwritten, and OutputError.
    """
    if not overwrite and folder.exists() and any(folder.iterdir()):
        raise InputError(folder, "a new or empty folder", "one with files", "choose another, or give --overwrite")
    written = []
    for name, content in files().items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with paths.replacing(path) as scratch:
                scratch.write_bytes(content)
        except OSError as error:
            raise unwritable(path, error) from error
        written.append(path)
    return written


@contextmanager
def server(host: str, port: int) -> Iterator[ThreadingHTTPServer]:
    """A server of the page, with the headers that isolate it and forbid every other host. Raises InputError."""
    content = files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0].lstrip("/") or "index.html"
            if name not in content:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", _TYPES.get(Path(name).suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(content[name])))
            for header, value in HEADERS.items():
                self.send_header(header, value)
            self.end_headers()
            with suppress(ConnectionError):  # of a page that was closed
                self.wfile.write(content[name])

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: who opened the page is not written down."""

    try:
        running = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{host}:{port}", "a free port", reason, "choose another --port") from error
    with running:
        yield running
