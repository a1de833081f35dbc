"""The news example as a team has it: articles in PostgreSQL, records on a server with PostgreSQL, artifacts in S3."""

import json
import uuid
from dataclasses import asdict

import pytest
from services import mlflow_server
from sqlalchemy import create_engine

from news.database import insert_articles
from news.sample import make_articles

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("libraries_loaded")]

STORES = """\
name: {name}
params: {{database: "{database}"}}
mlflow: {{tracking_uri: "{server}", artifact_location: "{bucket}/news"}}
"""


@pytest.fixture
def records(postgres, tmp_path):
    """A server of this test's own: whoever cleans up another has no keys for the bucket."""
    with mlflow_server(tmp_path, postgres.make(f"records-{uuid.uuid4().hex[:12]}")) as service:
        yield service


def test_the_news_run_on_postgresql_s3_and_a_server_and_the_second_time_nothing_executes(
    news, postgres, records, bucket
):
    name = f"news-{uuid.uuid4().hex[:12]}"
    articles = postgres.make(name)
    engine = create_engine(articles)
    insert_articles(engine, map(asdict, make_articles(700)))
    engine.dispose()
    text = STORES.format(name=name, database=articles, server=records.url, bucket=bucket.uri)
    news.write("news.team.yaml", text)
    options = ("-f", "news.team.yaml", "-j", "2")

    states = news.run(*options, file="news.yaml", **bucket.environment)

    assert set(states.values()) == {"ran"}
    assert len(states) == 10
    before = bucket.sizes("news/")
    kept = {key.rpartition("/artifacts/")[2]: key for key in before}
    assert {"ids.csv", "bodies.parquet", "model.joblib", "metrics.json", "confusion.png"} <= set(kept)
    metrics = json.loads(
        bucket.client.get_object(Bucket=bucket.name, Key=kept["metrics.json"])["Body"].read()
    )
    assert metrics["accuracy"] > 0.8
    again = news.run(*options, file="news.yaml", **bucket.environment)

    assert set(again.values()) == {"reused"}
    assert bucket.sizes("news/") == before
