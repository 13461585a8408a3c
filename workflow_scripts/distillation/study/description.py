"""What a report says of a study and of each page, with every text as reStructuredText that shows it."""

import re
from typing import Any

from distillation.study import protocols
from distillation.study.contents import Page
from distillation.study.study import Study

# What captions say of a page, if it has it.
_SAID = (
    *("title", "note", "remark", "paper", "protocols", "tested", "seeds", "published", "published_stages"),
    *("images", "resolutions", "padding", "seed"),
)


def of_page(page: Page) -> dict[str, Any]:
    """What the caption of a table, figure or page says of it, as plain values."""
    return {name: _shown(value) for name, value in page.plain().items() if name in _SAID}


def _shown(value: Any) -> Any:
    """A plain value with a backslash before every mark of its texts, and their white space as one space."""
    if isinstance(value, dict):
        return {_shown(key): _shown(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return re.sub(r"([^\w ]|_)", r"\\\1", " ".join(value.split())) if isinstance(value, str) else value


def of_study(study: Study) -> dict[str, Any]:
    """Title, note, numbers of teachers and students, protocols, seeds, runs and images, as plain values."""
    return {name: _shown(value) for name, value in _of_study(study).items()}


def _of_study(study: Study) -> dict[str, Any]:
    config = study.config
    students, teachers = (
        ", ".join(map(str, protocols.seeds_of(config, role))) for role in ("student", "teacher")
    )
    roles = [f"of students {students}"]
    if config["teachers"]:
        roles.append(f"of teachers {teachers} ({_TAUGHT_BY[protocols.taught_by(config)]})")
    selected = config.get("select")
    limits = {name: one["limit"] for name, one in config["datasets"].items() if "limit" in one}
    return {
        "title": config["title"],
        "note": config["note"],
        "teachers": len(config["teachers"]),
        "students": len(config["students"]),
        "protocols": {
            config["protocols"][protocol]["label"]: protocols.weights_tested(config, protocol)
            for protocol in study.reproduced
        },
        "seeds": "; ".join(roles),
        "runs": f"only {', '.join(selected)}, and the teachers that they need" if selected else "all",
        "images": [
            f"of {name} only {', '.join(f'{count} to {_PURPOSES[part]}' for part, count in limit.items())}"
            for name, limit in limits.items()
        ],
    }


_TAUGHT_BY = {
    "first": "the first is the students' teacher",
    "same": "each student's teacher has its seed",
    "each": "every student is trained with each",
}
_PURPOSES = {"train": "train", "validation": "validate", "test": "test"}
