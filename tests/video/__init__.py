"""Tests of facial_emotion.video."""
