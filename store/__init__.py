"""The shop. `create_app()` is the one place that wires rooms, errors and commands together."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask_compress import Compress
from werkzeug.middleware.proxy_fix import ProxyFix

from store import migrate
from store.audit import jobs as audit_jobs
from store.backoffice import letters as backoffice_letters
from store.backups import cli as backups_cli
from store.catalogue import cli as catalogue_cli
from store.catalogue import jobs as catalogue_jobs
from store.catalogue import views as catalogue_views
from store.checkout import cli as checkout_cli
from store.checkout import jobs as checkout_jobs
from store.checkout import views as checkout_views
from store.checkout import webhook
from store.customers import cli as customers_cli
from store.customers import jobs as customers_jobs
from store.customers import views as customers_views
from store.db import init_db
from store.demo import cli as demo_cli
from store.demo.keep_out import keep_demo_accounts_out
from store.jobs import cli as jobs_cli
from store.jobs import jobs as jobs_jobs
from store.ledger import cli as ledger_cli
from store.ledger import jobs as ledger_jobs
from store.logs import init_logs
from store.mail import cli as mail_cli
from store.media import cli as media_cli
from store.media import jobs as media_jobs
from store.pages import cli as pages_cli
from store.pages import machines as pages_machines
from store.pages import views as pages_views
from store.playback import cli as playback_cli
from store.playback import jobs as playback_jobs
from store.playback import views as playback_views
from store.prepaid_cards import cli as prepaid_cards_cli
from store.prepaid_cards import jobs as prepaid_cards_jobs
from store.prepaid_cards import views as prepaid_cards_views
from store.privacy import jobs as privacy_jobs
from store.privacy import views as privacy_views
from store.rentals import jobs as rentals_jobs
from store.rentals import views as rentals_views
from store.web import (
    corner,
    csrf,
    desk,
    entrances,
    errors,
    filters,
    headers,
    health,
    kept_pages,
    kept_pieces,
    limits,
    locale,
    metrics,
    player_script,
    sign_in,
    stylesheet,
    watch,
)
from store.web.locale import BilingualFlask

ROOT = Path(__file__).resolve().parent.parent

ROOMS = (
    pages_views,
    pages_machines,
    catalogue_views,
    customers_views,
    prepaid_cards_views,
    checkout_views,
    webhook,
    rentals_views,
    playback_views,
    privacy_views,
    backoffice_letters,
    health,
    metrics,
)
COMMANDS = (
    migrate,
    demo_cli,
    catalogue_cli,
    media_cli,
    playback_cli,
    checkout_cli,
    prepaid_cards_cli,
    ledger_cli,
    jobs_cli,
    customers_cli,
    mail_cli,
    pages_cli,
)
JOBS = (
    audit_jobs,
    catalogue_jobs,
    checkout_jobs,
    customers_jobs,
    jobs_jobs,
    ledger_jobs,
    media_jobs,
    playback_jobs,
    prepaid_cards_jobs,
    privacy_jobs,
    rentals_jobs,
)  # importing them registers their handlers


def create_app(settings: Mapping[str, Any]) -> Flask:
    """The shop with the settings that `config.load()` read; raises SettingError for a database that they do not fit."""
    app = BilingualFlask(
        "store",
        root_path=str(ROOT),
        instance_path=settings["INSTANCE_PATH"],
        template_folder="templates",
        static_folder="static",
    )
    app.config.from_mapping(settings)
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    if settings["PROXY_HOPS"]:
        hops = settings["PROXY_HOPS"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # how WSGI is wrapped
    init_logs(settings["LOG_FORMAT"])
    init_db(app)
    kept_pages.init_app(app)
    Compress(app)
    for part in (
        kept_pieces,
        locale,
        filters,
        stylesheet,
        player_script,
        desk,
        csrf,
        limits,
        sign_in,
        entrances,
        corner,
        headers,
        errors,
    ):
        part.init_app(app)
    for room in ROOMS:
        app.register_blueprint(room.blueprint)
    for commands in COMMANDS:
        app.cli.add_command(commands.commands)
    app.cli.add_command(backups_cli.backup)
    app.cli.add_command(backups_cli.restore_command)
    keep_demo_accounts_out(app)
    watch.init_app(app)
    return app
