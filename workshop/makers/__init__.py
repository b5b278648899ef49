"""Makers of the files that features stand on: the landmark predictor, the crop calibration, the face detector."""
