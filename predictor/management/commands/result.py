import argparse
import os
import sys
from contextlib import nullcontext
from typing import Any
from uuid import UUID

from predictor.exceptions import FileGone
from predictor.history.commands import SECONDS_TO_WAIT, take_turn_of_pages
from predictor.management.base import SiteCommand


class Command(SiteCommand):
    """Write the result of a file that was scored as a job to standard output.

    - It has the file's own columns in their order, and those of the answers after them.
    - The memory does not grow with the file.
    """

    help = "Write the result of a file that was scored as a job."
    stores_result = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("job", type=UUID, help="the id in the address of the job's page")
        parser.add_argument(
            "--format", choices=["csv", "parquet", "xlsx"], default="csv", help="of the output (default: csv)"
        )
        parser.add_argument(
            "--for-page", action="store_true", help="wait up to 10 s while another process writes a file for a page"
        )

    def handle(self, *, job: UUID, format: str, for_page: bool, **options: Any) -> None:
        from predictor.files.results import write_result
        from predictor.models import Job

        # Visitors' forms come first, where a web process runs this.
        os.nice(10)
        found = Job.objects.filter(public_id=job).first()
        if found is None:
            raise FileGone(f"there is no job {job}")
        with take_turn_of_pages(seconds=SECONDS_TO_WAIT) if for_page else nullcontext():
            write_result(found, format, sys.stdout.buffer)
        sys.stdout.buffer.flush()
