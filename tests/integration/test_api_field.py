"""Activations over HTTP: pressed with a tech's token, asked for until the daemon has done them."""

from dataclasses import replace

from capd.activate.steps import done
from capd.model import ActivationState, TokenRole
from tests.builders import NOON
from tests.integration.test_pipeline import a_house
from tests.servers.api import an_api

PRESS = {"subscriber": "S-1", "device": "cpe-1", "serial": "X1"}


async def test_a_press_is_accepted_and_can_be_asked_for__CT_1(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        said = await api.post("/activations", PRESS, role=TokenRole.TECH)
        assert said.status == 202
        assert (said.body["state"], said.body["author"]) == ("waiting", "token:the-tech")
        again = await api.post("/activations", PRESS, role=TokenRole.TECH)
        assert again.body["id"] == said.body["id"]
        known = await sqlite_store.activations.get(said.body["id"])
        ended = replace(
            known, state=ActivationState.DONE, steps=(done("started", "in service"),), ended_at=NOON
        )
        await sqlite_store.activations.keep(ended)
        path = f"/activations/{known.id}"
        shown = (await api.get(path, role=TokenRole.TECH)).body
        assert (shown["state"], shown["steps"][0]["text"]) == ("done", "in service")
        after = await api.post("/activations", PRESS, role=TokenRole.TECH)
        assert after.body["id"] != known.id


async def test_what_is_not_there_is_said_with_a_guess(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        for wrong in ({"device": "cpe-l"}, {"subscriber": "S-l"}):
            said = await api.post("/activations", PRESS | wrong, role=TokenRole.TECH)
            assert said.status == 404
        assert (await api.get("/activations/nothing", role=TokenRole.TECH)).status == 404


async def test_billing_activates_nothing(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        assert (await api.post("/activations", PRESS, role=TokenRole.BILLING)).status == 403


async def test_an_activation_is_undone_on_a_tech_s_word_and_twice_is_once__CT_1(sqlite_store):
    async with an_api(await a_house(sqlite_store)) as api:
        id_ = (await api.post("/activations", PRESS, role=TokenRole.TECH)).body["id"]
        path = f"/activations/{id_}/undo"
        early = await api.post(path, {}, role=TokenRole.TECH)
        assert (early.status, early.body["detail"]) == (
            409,
            "the activation is waiting: there is nothing to undo",
        )
        known = await sqlite_store.activations.get(id_)
        await sqlite_store.activations.keep(replace(known, state=ActivationState.DONE))
        for note in ("next door", "again"):
            said = await api.post(path, {"note": note}, role=TokenRole.TECH)
            assert (said.status, said.body["state"]) == (202, "undo_waiting")
            assert (said.body["undone_by"], said.body["ended_at"]) == ("token:the-tech", None)
        assert (await sqlite_store.activations.get(id_)).undo.note == "next door"
        assert (await api.post(path, {}, role=TokenRole.BILLING)).status == 403
        nothing = await api.post("/activations/nothing/undo", {}, role=TokenRole.TECH)
        assert nothing.status == 404
