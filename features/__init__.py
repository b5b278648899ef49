"""Image decoding, face detection, landmarks and feature extraction."""
