"""Every table has a place for the day when the database is distributed by person."""

import pytest

from gatewayz.benchmarks import distribution
from gatewayz.benchmarks.distribution import COLUMN, EVERYWHERE, ON_ONE_SERVER, Table
from payments.tests.at_once import execute


def tables() -> dict[str, Table]:
    return {table.name: table for table in distribution.read()}


def test_the_place_of_every_table_is_decided(db: None) -> None:
    assert tables().keys() == COLUMN.keys() | EVERYWHERE | ON_ONE_SERVER


def test_a_new_table_without_a_place_is_refused(owner: None) -> None:
    execute("CREATE TABLE newcomers (id bigint)")

    with pytest.raises(KeyError, match="newcomers"):
        tables()


def test_what_names_the_person_is_kept_and_what_reaches_further_is_listed(db: None) -> None:
    found = tables()

    assert found["invite_views"] == Table("invite_views", "user_id")
    assert "ledger_entries_in_a_row" not in found["ledger_entries"].problems["unique"]
    assert "referrals_use_number_unique" not in found["referrals"].problems["unique"]
    assert not any("_user_id_" in name for name in found["payments"].problems["foreign keys"])
    assert not any("_program_id_" in name for name in found["referrals"].problems["foreign keys"])
    assert any("_referred_user_id_" in name for name in found["referrals"].problems["foreign keys"])
    assert "users_pkey" not in found["users"].problems["unique"]
    assert {"users_username_key", "users_email_any_case_unique"} <= set(
        found["users"].problems["unique"]
    )
    assert "users_attributed_once" in found["users"].problems["triggers"]
    assert "programs_stand" in found["programs"].problems["triggers"]
