"""`flask jobs …`: background work, from the command line."""

import signal

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import select, update

from store import clock
from store.db import db, transaction
from store.jobs.models import Job
from store.jobs.work import work
from store.signals import told_to_stop

commands = AppGroup("jobs", help="Background work.")


@commands.command("work")
def work_command() -> None:
    """Do what is due until told to stop (SIGTERM or SIGINT)."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # threads need the app itself; its type hides how
    work(app, told_to_stop(signal.SIGTERM, signal.SIGINT))


@commands.command("list")
def list_command() -> None:
    """Show what is waiting, running or given up, a line each."""
    waiting = select(Job).where(Job.done_at.is_(None)).order_by(Job.id)
    for job in db.session.scalars(waiting):
        state = "given up" if job.failed_at else "running" if job.worker_id else "waiting"
        click.echo(f"{job.id}  {job.name}  {state}  tries {job.attempts}  {job.error or ''}".rstrip())


@commands.command("retry")
def retry_command() -> None:
    """Make everything that failed due at once."""
    with transaction() as session:
        made_due = session.connection().execute(
            update(Job)
            .where(Job.done_at.is_(None), Job.error.is_not(None))
            .values(run_at=clock.now(), failed_at=None, attempts=0)
        )
    click.echo(f"{made_due.rowcount} jobs are due again.")
