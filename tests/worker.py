"""manage.py for tests: its workers also know a job in chunks, each of which writes a row and takes a while, and another
that takes 600 MB."""

import sys
import time
import uuid

import django

CHUNKS = 30
KIND = "rows"
HUNGRY = "hungry"


def write_rows(held):
    from predictor.jobs import commit_chunk, finish
    from predictor.models import IdempotencyKey

    for number in range(held.job.cursor or 0, CHUNKS):
        time.sleep(0.1)
        with commit_chunk(held, cursor=number + 1, done=number + 1, total=CHUNKS):
            IdempotencyKey.objects.create(id=uuid.uuid4(), body=uuid.uuid4(), answer="", ends_at=number)
            time.sleep(0.05)
    finish(held, {"rows": CHUNKS})


def take_memory(held):
    taken = bytearray(600_000_000)
    taken[::4096] = bytes(1) * len(taken[::4096])
    time.sleep(600)


if __name__ == "__main__":
    django.setup()
    from predictor import jobs, tasks
    from predictor.management.command_line import run_command

    tasks.TASKS[KIND] = write_rows
    tasks.TASKS[HUNGRY] = take_memory
    # Renewed every 2 s: tests wait for it to run out.
    jobs.SECONDS_OF_LEASE = 6.0
    run_command(sys.argv)
