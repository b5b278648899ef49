"""Tests of reporting/ and report.py."""
