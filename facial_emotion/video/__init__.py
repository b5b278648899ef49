"""Emotion recognition on video: face tracking, temporal smoothing, timings and results per frame."""
