"""The whole story on PostgreSQL, Redis and S3 at once: the same facts as on SQLite, memory and a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, func, select

from foundation.jobs.models import Job, JobState
from foundation.storage import open_store
from sandbox.story import StoryOptions, play
from sandbox.story_centre import started_centre
from tests.support.told import assert_told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
BIDDERS = 3
COUNTS = select(Job.state, func.count().label("count")).group_by(Job.state)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str, s3_url: str) -> None:
    """The environment that moves a centre to the run's own servers."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("BROKER_URL", redis_url)
    monkeypatch.setenv("STORAGE_URL", s3_url)


@pytest.mark.usefixtures("elsewhere")
def test_the_story_is_the_same_on_postgresql_redis_and_s3(
    tmp_path: Path, postgres_url: str, redis_url: str, s3_url: str
) -> None:
    with started_centre(tmp_path, print) as centre:
        told = play(StoryOptions(centre.url, bidders=BIDDERS), say=print)
        with redis.Redis.from_url(redis_url) as client:
            kept_in_redis = {key.decode() for key in client.keys("*")}
    assert_told(told, BIDDERS)
    assert not (tmp_path / "data" / "centre.db").exists(), "nothing was written beside PostgreSQL"
    assert not (tmp_path / "data" / "objects").exists(), "nothing was written beside S3"
    assert "_kombu.binding.centre-jobs" in kept_in_redis, "jobs went through Redis"
    assert any(key.startswith("LIMITS:") for key in kept_in_redis), "rates are counted in Redis"
    assert any(entry.name.startswith("sealed/") for entry in open_store(s3_url).list())
    engine = create_engine(postgres_url)
    with engine.connect() as connection:
        left = {row.state: row.count for row in connection.execute(COUNTS)}
    engine.dispose()
    assert left.keys() <= {JobState.DONE, JobState.QUEUED}
    assert left[JobState.DONE] > 0
