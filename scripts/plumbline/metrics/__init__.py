"""Intervals, rankings and calibration."""
