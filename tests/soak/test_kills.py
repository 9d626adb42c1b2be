"""Three kills; `make soak` takes two hundred of each engine."""

from pathlib import Path

from flask import Flask

from tests.conftest import both_engines, settings_for
from tests.shop import Shop
from tests.soak.diary import DONE, Diary
from tests.soak.kills import Campaign

PEOPLE = 4


@both_engines
def test_nothing_acknowledged_is_lost_and_nothing_is_done_twice(
    app: Flask, shop: Shop, database_url: str, tmp_path: Path
) -> None:
    people = [shop.customer(f"{number}@example.org") for number in range(PEOPLE)]
    pairs = [(person.id, person.wallet_id) for person in people]
    campaign = Campaign(app, settings_for(tmp_path, database_url), pairs, tmp_path, seed=1)
    for _ in range(3):
        campaign.kill()
    campaign.finish()
    assert campaign.report.complaints == []
    diary = Diary(campaign.path)
    diary.close()
    done = {diary.asked[key].kind for key, answer in diary.answered.items() if answer.outcome == DONE}
    assert {"buy", "spend"} <= done
