"""Runs the periodic jobs until it is told to stop, also when PostgreSQL goes away meanwhile."""

import asyncio
import signal
from contextlib import suppress

import psycopg
import structlog
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app, connector_params
from procrastinate.exceptions import ConnectorException

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 2


def run() -> None:
    """Run jobs until SIGTERM or SIGINT; the job that runs then is finished first."""
    asyncio.run(_run())


async def _run() -> None:
    work = asyncio.create_task(_work())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    with suppress(asyncio.CancelledError):
        await work


async def _work() -> None:
    while True:
        # procrastinate's worker ends, with or without an error, when it loses its connections. The
        # next one has a new id, so a job that the old one could not finish counts as stalled.
        try:
            with app.replace_connector(PsycopgConnector(kwargs=connector_params())):
                async with app.open_async():
                    await app.run_worker_async(install_signal_handlers=False)
            log.warning("worker_disconnected")
        except (ConnectorException, psycopg.OperationalError) as error:
            log.warning("worker_disconnected", error=str(error.__cause__ or error))
        await asyncio.sleep(RECONNECT_SECONDS)
