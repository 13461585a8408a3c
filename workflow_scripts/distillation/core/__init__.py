"""What every part of the library stands on: files, logs, errors, devices, random streams."""
