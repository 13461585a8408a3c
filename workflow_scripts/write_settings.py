"""Write the pages of all keys of a configuration: docs/configuration.md, and the JSON Schemas for editors.

python workflow_scripts/write_settings.py     (what `make settings` runs)
"""

import json
from pathlib import Path

from distillation.pages import configuration_reference
from distillation.study import editor_schema, studies

HOME = Path(__file__).resolve().parents[1]
# Keys that config.yaml and study.yaml do not show.
EXAMPLES = ("cpu", "check", "demo", "pretrained")


def main() -> None:
    """Write the three files."""
    overlays = [HOME / f"studies/irkd/overlays/{name}.yaml" for name in EXAMPLES]
    configurations = [studies.configuration([HOME / "config.yaml", *each]) for each in ([], *zip(overlays))]
    examples = [
        {"config": config, "study": studies.declared(config, HOME / "studies")["irkd"]}
        for config in configurations
    ]
    page = configuration_reference.page(examples)
    (HOME / "docs/configuration.md").write_text(page, encoding="utf-8")
    for name, schema in (
        ("config", editor_schema.of_configuration()),
        ("study", editor_schema.of_study()),
    ):
        text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        (HOME / f"rules/schemas/{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
