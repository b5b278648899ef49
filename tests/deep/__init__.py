"""Tests of deep/."""
