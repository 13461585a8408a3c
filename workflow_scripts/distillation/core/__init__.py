"""Basics that every part of the library uses: files, logs, errors, devices, random streams."""
