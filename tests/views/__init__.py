"""Tests of facial_emotion.views."""
