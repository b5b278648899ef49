"""Faces through time: followed from frame to frame, their emotions smoothed, timed and recorded."""
