"""What was measured: histograms, per-second slices, and the times of one run.

Nothing here imports anything but the standard library: the recorder uses it inside Locust.
"""
