"""Tests of the app in Chromium."""
