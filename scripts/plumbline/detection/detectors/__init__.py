"""Detectors of wrong answers: a module each, found by its file name."""
