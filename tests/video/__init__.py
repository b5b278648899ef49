"""Tests of video/."""
