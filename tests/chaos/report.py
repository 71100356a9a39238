"""A run's story as Markdown."""

from collections import Counter
from statistics import mean

from tests.chaos.run import Story


def markdown(stories: list[Story]) -> str:
    """The section of a document: for each run its faults, and what was found afterwards."""
    return "\n\n".join(_section(story) for story in stories) + "\n"


def _section(story: Story) -> str:
    head = (
        f"### {story.title}\n\n{story.images:,} images, model `{story.model}`, {story.workers} workers, seed"
        f" {story.seed}: {story.seconds / 60:.1f} minutes,"
        f" {'everything held' if story.is_good else 'NOT everything held'}."
    )
    return "\n\n".join([head, _faults(story), _verdicts(story), _facts(story)])


def _faults(story: Story) -> str:
    times = Counter(strike.fault for strike in story.strikes)
    rows = [
        f"| {fault} | {count} | {mean(one.held for one in story.strikes if one.fault == fault):.1f} |"
        for fault, count in times.most_common()
    ]
    return "\n".join(["| fault | times | jobs held then, mean |", "|---|---:|---:|", *rows])


def _verdicts(story: Story) -> str:
    rows = [f"| {one.claim} | {'yes' if one.holds else '**no**'} | {one.found} |" for one in story.verdicts]
    return "\n".join(["| afterwards | | found |", "|---|---|---|", *rows])


def _facts(story: Story) -> str:
    return "Besides: " + ", ".join(f"{name} {count:,}" for name, count in story.facts.items()) + "."
