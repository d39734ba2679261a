import argparse
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from predictor.management.base import SiteCommand


class Command(SiteCommand):
    """Write the recipe of a model that was made from an upload to a folder, with its table.

    - The folder is created complete or not at all, and an existing one is never changed.
    - From then on the folder is the model's recipe, and no longer the database, unless with --copy; --undo takes that
      back.
    - `retrain` goes by the folder as it went by the database: it gives the same version.
    """

    help = "Write the recipe of a model that was made from an upload to a folder."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("slug", help="the model")
        parser.add_argument("folder", nargs="?", type=Path, help="a new folder (default: that of the model)")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--copy", action="store_true", help="go on using the recipe in the database")
        how.add_argument("--undo", action="store_true", help="use the recipe in the database again; write nothing")

    def handle(self, *, slug: str, folder: Path | None, copy: bool, undo: bool, **options: Any) -> None:
        from predictor.lifecycle.handover import export_recipe, take_back

        if undo:
            if folder is not None:
                raise CommandError("--undo writes nothing: leave out the folder.", returncode=2)
            take_back(slug)
            self.stdout.write(f"{slug} is trained by its recipe in the database again.")
            return
        own = settings.MODELS_DIR / slug
        export_recipe(slug, folder or own, hands_over=not copy)
        self.stdout.write(f"{slug}: its recipe was written to {folder or own}.")
        if not copy:
            where = "" if folder in (None, own) else f" Move it to {own} to retrain {slug}."
            self.stdout.write(f"The recipe in the database is no longer used.{where} Next: commit the folder.")
