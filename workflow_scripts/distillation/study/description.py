"""What was run of a study, in words, for the first page of a report."""

from typing import Any

from distillation.study import protocols
from distillation.study.study import Study


def of_study(study: Study) -> dict[str, Any]:
    """Title, note, numbers of teachers and students, protocols, seeds, runs and images, as plain values."""
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
