"""Check published weights against every network that starts from them."""

from pathlib import Path

from distillation.core import logs
from distillation.networks import models, start_settings
from distillation.study import spec

logs.to_file_and_stderr(snakemake.log[0])
models.check_pretrained(
    networks=[spec.model_from_mapping(network) for network in snakemake.params.networks],
    start=start_settings.pretrained(snakemake.params.start),
    path=Path(snakemake.input[0]),
    output=Path(snakemake.output[0]),
)
