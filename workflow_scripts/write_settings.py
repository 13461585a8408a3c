"""Write the pages of all keys of a configuration: docs/configuration.md, and the JSON Schema for editors.

python workflow_scripts/write_settings.py     (what `make settings` runs)
"""

import json
from pathlib import Path

import yaml
from distillation.pages import configuration_reference
from distillation.study import editor_schema, study

HOME = Path(__file__).resolve().parents[1]
EXAMPLES = ("check", "demo", "pretrained")


def main() -> None:
    """Write both files."""
    base = yaml.safe_load((HOME / "config.yaml").read_text(encoding="utf-8"))
    overlays = [
        yaml.safe_load((HOME / f"config/{name}.yaml").read_text(encoding="utf-8")) for name in EXAMPLES
    ]
    page = configuration_reference.page([base, *(study.merge(base, overlay) for overlay in overlays)])
    (HOME / "docs/configuration.md").write_text(page, encoding="utf-8")
    schema = json.dumps(editor_schema.editor_schema(), indent=1, ensure_ascii=False) + "\n"
    (HOME / "rules/schemas/config.schema.json").write_text(schema, encoding="utf-8")


if __name__ == "__main__":
    main()
