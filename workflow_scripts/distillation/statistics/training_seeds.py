"""Names of the trainings of a run: one for each seed or, with several teachers, for each seed and teacher."""

import re
from dataclasses import dataclass
from typing import Self

PATTERN = r"\d+(-teacher-[1-9]\d*)?"


@dataclass(frozen=True, order=True)
class TrainingSeed:
    """The seed of a training and, of students that learn from each of several teachers, their teacher's.

    Its text, in paths and on pages, is "3", or "3-teacher-1". Students of the teacher with seed 0 are named
    as if it were the only one.

    Attributes:
        number: the seed itself.
        teacher: seed of the teacher; 0 unless `taught_by` is "each" and the training has a teacher.
    """

    number: int
    teacher: int = 0

    def __str__(self) -> str:
        return f"{self.number}-teacher-{self.teacher}" if self.teacher else str(self.number)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The seed with this text.

        Raises:
            ValueError: the text has another form.
        """
        if not re.fullmatch(PATTERN, text):
            raise ValueError(f"'{text}' is no seed; write one like 3 or 3-teacher-1")
        return cls(*map(int, text.split("-teacher-")))
