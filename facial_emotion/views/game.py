"""A game for the live page: show all seven emotions, and keep the strip of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import streamlit as st

from facial_emotion.features.emotions import EMOTIONS
from facial_emotion.labels import text_mask
from facial_emotion.scene import Face
from facial_emotion.views import downloads, recognition
from facial_emotion.views.language import t

_HELD = 0.5  # seconds that an emotion must be shown
_SIDE, _BELOW = 144, 28  # pixels of a face in the strip, and of its name


class Game:
    """The first face of each emotion that was held. found: crops uint8 (48, 48) by emotion."""

    def __init__(self) -> None:
        self.found: dict[str, np.ndarray] = {}
        self._shown: dict[int, tuple[str, float]] = {}  # by face: its emotion, and since when

    def see(self, faces: Sequence[Face], now: float) -> None:
        """Look at a frame's faces; now: its time in seconds."""
        numbers = {face.number for face in faces}
        self._shown = {number: shown for number, shown in self._shown.items() if number in numbers}
        for face in faces:
            label, since = self._shown.get(face.number, ("", now))
            if label != face.label or not face.certain:
                self._shown[face.number] = (face.label if face.certain else "", now)
            elif now - since >= _HELD:
                self.found.setdefault(label, face.crop)


def show(game: Game) -> None:
    """Draw what was shown and what is missing."""
    words = [f"{recognition.EMOJI[name] if name in game.found else '◻️'} {t(name)}" for name in EMOTIONS]
    st.write(" · ".join(words))
    if len(game.found) == len(EMOTIONS):
        st.success(t("All seven!"), icon=":material/celebration:")
    if game.found:
        name = t("Download the strip")
        downloads.button(name, lambda: downloads.to_png(strip(game.found)), "seven.png", "image/png")


def strip(faces: dict[str, np.ndarray]) -> np.ndarray:
    """The faces side by side in the order of EMOTIONS, each with its name: uint8 RGB (h, w, 3)."""
    tiles = []
    for name in EMOTIONS:
        tile = np.full((_SIDE + _BELOW, _SIDE), 255, dtype=np.uint8)
        if name in faces:
            tile[:_SIDE] = cv2.resize(faces[name], (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
        else:
            tile[:_SIDE] = 225
        mask = text_mask(t(name), 16)[:_BELOW, :_SIDE]
        tile[_SIDE : _SIDE + len(mask), : mask.shape[1]] = np.rint(255 * (1 - mask)).astype(np.uint8)
        tiles.append(tile)
    return np.repeat(np.concatenate(tiles, axis=1)[..., None], 3, axis=2)
