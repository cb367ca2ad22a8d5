"""Ratios against bare limits and named peers, side by side in one run. ``python -m bench [NAME …]``."""
