"""Accuracy, calibration and agreement of trained networks; nothing here trains."""
