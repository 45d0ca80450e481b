"""What befalls the production, one after the other, and what its operator does then."""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gatewayz.dev.checkout import ROOT, Refusal
from gatewayz.dev.drill import programs, units
from gatewayz.dev.drill.postgresql import ADMINISTRATOR, OWNER, PATIENCE_SECONDS, remove, run_sql
from gatewayz.dev.drill.production import MAX_LAG_SECONDS, WEB, WORKERS, Production
from gatewayz.dev.drill.traffic import Traffic
from gatewayz.dev.postgres_binaries import ServerAccount
from gatewayz.dev.waiting import wait_until

LAG_SECONDS = 5
WAIT_SECONDS = 2
_ARCHIVED = "SELECT count(*) FROM pg_stat_archiver WHERE last_archived_wal >= %s"


Act = Callable[[Production, Traffic], None]


@dataclass(frozen=True)
class Exercise:
    """One of them; `is_short` ones are part of the short form, and `needs` names a program."""

    title: str
    act: Act
    is_short: bool = False
    needs: str = "nginx"


def roll_out(production: Production, traffic: Traffic) -> None:
    """A new version with its migrations comes, one instance at a time; goes back; and comes."""
    following = programs.next_version(production.folder / "next")
    production.checkout = following
    production.command("migrate")
    production.collect_static_files()
    production.restart_one_by_one()
    production.checkout = ROOT
    production.restart_one_by_one()
    production.checkout = following
    production.restart_one_by_one()


def fill_disk(production: Production, traffic: Traffic) -> None:
    """The primary's disk is full for some seconds."""
    data = production.cluster.primary.data
    filler = data / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))
    time.sleep(LAG_SECONDS)
    filler.unlink()
    production.wait_until_ready()


def kill(part: str) -> Act:
    """Return an exercise that kills all processes of the part."""

    def act(production: Production, traffic: Traffic) -> None:
        production.supervisor.kill(part)
        time.sleep(WAIT_SECONDS)
        production.wait_until_ready()

    return act


def restart_postgresql(production: Production, traffic: Traffic) -> None:
    production.supervisor.restart(production.cluster.primary.name)
    production.wait_until_ready()


def fail_over(production: Production, traffic: Traffic) -> None:
    """The replica has every commit that was answered, since the primary waits for it."""
    cluster = production.cluster
    cluster.execute(
        "ALTER SYSTEM SET synchronous_standby_names = 'replica'", "SELECT pg_reload_conf()"
    )
    cluster.wait_for_value("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", 1)
    time.sleep(WAIT_SECONDS)
    cluster.fail_over()
    production.start_pooler()
    if production.programs.pgbouncer is None:
        production.restart_one_by_one()
    for name in WORKERS:
        production.start(name)
    production.wait_until_ready()
    cluster.copy_primary()


def lose_replica(production: Production, traffic: Traffic) -> None:
    """It lags, dies, and catches up. Reports have what the primary has all the time."""
    cluster, replica = production.cluster, production.cluster.replica
    _wait_until_replica_is_read(production)
    cluster.value("SELECT pg_wal_replay_pause()", server=replica)
    time.sleep(LAG_SECONDS)
    _check_report(production)
    lag = production.metric("gatewayz_replica_lag_seconds")
    if lag is None or lag < MAX_LAG_SECONDS:
        raise Refusal(f"a replica that lags for {LAG_SECONDS} s is said to lag for {lag}")
    cluster.value("SELECT pg_wal_replay_resume()", server=replica)
    _wait_until_replica_is_read(production)
    production.supervisor.stop(replica.name, signal.SIGKILL)
    _check_report(production)
    cluster.start(replica)
    cluster.wait_for_value("SELECT count(*) FROM pg_stat_replication", 1)
    _wait_until_replica_is_read(production)


def _check_report(production: Production) -> None:
    """Raise Refusal unless a report has what the primary has, and the gauge says why."""
    registered = production.cluster.value("SELECT count(*) FROM users")
    report = production.shell(".venv/bin/python manage.py referral_report --format json")
    [counted] = [row["value"] for row in json.loads(report) if row["figure"] == "sign_ups"]
    if int(counted) < int(str(registered)):
        raise Refusal(f"a report counts {counted} of {registered} people")
    if production.metric("gatewayz_replica_used") != 0:
        raise Refusal("the metrics say that a replica is read which lags or is dead")


def _wait_until_replica_is_read(production: Production) -> None:
    def refusal() -> str:
        is_read = production.metric("gatewayz_replica_used") == 1
        return "" if is_read else "the replica is not read again"

    wait_until(refusal, PATIENCE_SECONDS)


def rotate_secret_key(production: Production, traffic: Traffic) -> None:
    """Each step on every instance, one by one: docs/production.md."""
    old, new = production.settings["SECRET_KEY"], f"{'drill-' * 10}new-secret-key-0123456789-xyz"
    _go_on_with(production, SECRET_KEY_FALLBACKS=new)
    _go_on_with(production, SECRET_KEY=new, SECRET_KEY_FALLBACKS=old)
    for person in list(traffic.people):
        traffic.balance(person)
    _go_on_with(production, SECRET_KEY_FALLBACKS="")


def rotate_peppers(production: Production, traffic: Traffic) -> None:
    new = "drill-pepper-0123456789-abcdefghijklmnopqrstuvwxyz"
    secret_key = production.settings["SECRET_KEY"]
    _go_on_with(production, API_KEY_PEPPERS=f"{secret_key},{new}")
    _go_on_with(production, API_KEY_PEPPERS=new)


def rotate_webhook_secret(production: Production, traffic: Traffic) -> None:
    old, new = production.settings["STRIPE_WEBHOOK_SECRET"], f"whsec_{'n' * 40}"
    _go_on_with(production, STRIPE_WEBHOOK_SECRET=f"{old},{new}")
    production.start_sandbox()
    _go_on_with(production, STRIPE_WEBHOOK_SECRET=new)


def set_clock_ahead(production: Production, traffic: Traffic) -> None:
    """One instance refuses Stripe's signatures as too old; Stripe comes again, to the other."""
    production.start(WEB[1], str(production.programs.faketime), "-f", "+10m")
    production.wait_for_instance(WEB[1])
    time.sleep(LAG_SECONDS)
    production.start(WEB[1])
    production.wait_for_instance(WEB[1])


def dump_and_restore(production: Production, traffic: Traffic) -> None:
    """A dump of the running database, restored beside it, has books that are right."""
    owner = production.cluster.primary.url(OWNER, "restored")
    production.cluster.execute("CREATE DATABASE restored OWNER gatewayz_owner")
    production.command("dump", EMPTY_DATABASE=owner, DUMP=str(production.folder / "books.dump"))
    production.cluster.execute("DROP DATABASE restored WITH (FORCE)")


def lose_everything(production: Production, traffic: Traffic) -> None:
    """Both servers are lost. The backup goes back to a moment before the last purchases settled.

    What Stripe knows brings them back.
    """
    cluster = production.cluster
    backup = cluster.folder / "backup"
    cluster.base_backup(backup)
    time.sleep(WAIT_SECONDS)
    traffic.pause()
    orders = traffic.order()
    moment = str(cluster.value("SELECT clock_timestamp()"))
    time.sleep(WAIT_SECONDS)
    for order in orders:
        traffic.pay(order)
    traffic.wait_until_paid(orders)
    segment = cluster.value("SELECT pg_walfile_name(pg_switch_wal())")
    cluster.wait_for_value(_ARCHIVED, 1, segment)
    for server in (cluster.replica, cluster.primary):
        production.supervisor.stop(server.name, signal.SIGKILL)
        remove(server.data)
    production.command(
        "restore to a moment",
        BACKUP=str(backup),
        DATA=str(cluster.primary.data),
        ARCHIVE=str(cluster.archive),
        MOMENT=moment,
    )
    _hand_over(cluster.primary.data, cluster.account)
    cluster.start(cluster.primary)
    cluster.wait_for_value("SELECT pg_is_in_recovery()::int", 0)
    administrator = cluster.primary.url(ADMINISTRATOR, "postgres")
    run_sql(cluster.binaries, administrator, units.commands("after the restore"))
    production.wait_until_ready()
    production.command("reconcile")
    cluster.copy_primary()
    cluster.wait_for_value("SELECT count(*) FROM pg_stat_replication", 1)


def _hand_over(data: Path, account: ServerAccount) -> None:
    """Give the restored files to the account of PostgreSQL, where we are another."""
    for path in (data, *data.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _go_on_with(production: Production, **settings: str) -> None:
    production.settings |= settings
    production.restart_one_by_one()


EXERCISES = (
    Exercise("a new version, back, and again", roll_out),
    Exercise("a web instance is killed", kill(WEB[0]), is_short=True),
    Exercise("a worker is killed", kill(WORKERS[0])),
    Exercise("nginx is killed", kill("nginx")),
    Exercise("PgBouncer is killed", kill("pgbouncer"), needs="pgbouncer"),
    Exercise("PostgreSQL is killed", kill("postgresql-1"), is_short=True),
    Exercise("PostgreSQL is restarted", restart_postgresql),
    Exercise("the disk of the database is full", fill_disk, needs="small_disk"),
    Exercise("the replica lags and dies", lose_replica),
    Exercise("the primary is lost: failover", fail_over, is_short=True),
    Exercise("SECRET_KEY is replaced", rotate_secret_key),
    Exercise("the peppers are replaced", rotate_peppers),
    Exercise("the webhook's secret is replaced", rotate_webhook_secret),
    Exercise("one clock is 10 minutes ahead", set_clock_ahead, needs="faketime"),
    Exercise("dumped and restored", dump_and_restore),
    Exercise("all is lost: restored, reconciled", lose_everything, is_short=True),
)
