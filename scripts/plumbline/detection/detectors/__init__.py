"""Detectors of misclassified images, one module each, found by file name."""
