"""Write the pages of all keys of a configuration: docs/configuration.md, and the JSON Schemas for editors.

python workflow_scripts/write_settings.py     (what `make settings` runs)
"""

import json
from pathlib import Path

from distillation.pages import configuration_reference
from distillation.study import editor_schema, studies

HOME = Path(__file__).resolve().parents[1]
# Keys that config.yaml and study.yaml do not show.
OVERLAYS = ("irkd/overlays/cpu", "irkd/overlays/check", "irkd/overlays/demo", "irkd/overlays/pretrained")


def examples() -> list[dict]:
    """Configurations with their studies: every study as it is, then the overlays."""
    every = sorted(path.parent.name for path in HOME.glob("studies/*/study.yaml"))
    files = [[], *([HOME / f"studies/{name}.yaml"] for name in OVERLAYS)]
    found = []
    for config in (studies.configuration([HOME / "config.yaml", *each]) for each in files):
        names = config if found else config | {"studies": every}
        contents = studies.declared(names, HOME / "studies").values()
        found += [{"config": config, "study": content} for content in contents]
    return found


def main() -> None:
    """Write the three files."""
    page = configuration_reference.page(examples())
    (HOME / "docs/configuration.md").write_text(page, encoding="utf-8")
    for name, schema in (
        ("config", editor_schema.of_configuration()),
        ("study", editor_schema.of_study()),
    ):
        text = json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        (HOME / f"rules/schemas/{name}.schema.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
