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
