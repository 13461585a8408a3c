"""Typed forms of what users write: `config.yaml`, and the `study.yaml` of a study."""
