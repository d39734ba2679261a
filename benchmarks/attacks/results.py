"""What an attack has done to visitors, and whether they would have noticed."""

from dataclasses import dataclass

from benchmarks.attacks.visitors import Waits

MOST_SECONDS = 1.0
MOST_SECONDS_TO_SIGN_IN = 2.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """Visitors' waits without the attack (None where it came first) and with it."""

    name: str
    calm: Waits | None
    attacked: Waits
    database: str = ""
    has_lost_workers: bool = False

    @property
    def broken(self) -> list[str]:
        """The bounds that were broken, in a few words each; empty where none was."""
        return find_broken(self.attacked) + ["a worker was killed"] * self.has_lost_workers

    @property
    def is_sound(self) -> bool:
        """Whether the bounds were kept without the attack; otherwise the machine is too busy for a result."""
        return self.calm is None or keeps_bounds(self.calm)

    @property
    def verdict(self) -> str:
        if not self.is_sound:
            return "says nothing: the bounds were broken before the attack"
        return f"BROKEN: {', '.join(self.broken)}" if self.broken else "kept"


def keeps_bounds(waits: Waits) -> bool:
    return not find_broken(waits)


def find_broken(waits: Waits) -> list[str]:
    """What a visitor notices, in a few words each; nothing where all bounds are kept."""
    found = []
    if waits.longest >= MOST_SECONDS:
        found.append(f"{waits.longest:.2f} s")
    if (waits.longest_sign_in or 0) >= MOST_SECONDS_TO_SIGN_IN:
        found.append(f"{waits.longest_sign_in:.2f} s to sign in")
    return found + [f"{count} × {problem}" for problem, count in waits.problems.most_common()]


COLUMNS = [
    "database", "attack", "visits", "failed", "median, ms: before", "with it", "longest, ms: before", "with it",
    "sign-in, ms", "bounds",
]  # fmt: skip
HEADER = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def write_row(result: Result) -> str:
    calm, attacked = result.calm, result.attacked
    medians = [calm.median if calm else None, attacked.median]
    longest = [calm.longest if calm else None, attacked.longest, attacked.longest_sign_in]
    shown = " | ".join("–" if each is None else f"{1000 * each:,.0f}" for each in [*medians, *longest])
    visits = len(attacked.visits) + len(attacked.sign_ins)
    failed = attacked.problems.total()
    return f"| {result.database} | {result.name} | {visits} | {failed} | {shown} | {result.verdict} |"
