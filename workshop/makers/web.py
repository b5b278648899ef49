"""ONNX Runtime's files for the browser, out of its npm package.

    python -m workshop web

The package is downloaded, unless a copy is named, and is refused where its hash is not the pinned one.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import urllib.request
from pathlib import Path

from facial_emotion.errors import InputError
from facial_emotion.web.site import FOLDER, VENDOR

VERSION = "1.30.0"
ADDRESS = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
# As npm's registry gives it: SHA-512 in base 64.
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
LICENCE = """MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""  # the npm package names it, and has no file with it


def fetch(package: Path | None = None) -> dict[str, int]:
    """Write the files and vendor.json with their hashes; returns their sizes in bytes. Raises InputError."""
    if package is None:
        with urllib.request.urlopen(ADDRESS, timeout=60) as response:
            content: bytes = response.read()
    else:
        content = package.read_bytes()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    if digest != INTEGRITY:
        raise InputError(package or ADDRESS, f"SHA-512 {INTEGRITY[:12]}…", f"{digest[:12]}…")
    folder = FOLDER / "vendor"
    folder.mkdir(exist_ok=True)
    hashes, sizes = {}, {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for name in VENDOR:
            member = None if name == "LICENSE" else archive.extractfile(f"package/dist/{name}")
            own = LICENCE.encode() if member is None else member.read()
            (folder / name).write_bytes(own)
            hashes[name], sizes[name] = hashlib.sha256(own).hexdigest(), len(own)
    about = {"package": f"onnxruntime-web {VERSION}", "source": ADDRESS, "licence": "MIT", "files": hashes}
    (folder / "vendor.json").write_text(json.dumps(about, indent=1) + "\n")
    return sizes
