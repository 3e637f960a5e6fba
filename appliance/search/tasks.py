"""Periodic jobs. What there is to do is read from the database, so a lost job does no harm."""

from procrastinate.contrib.django import app

from appliance.search import services

RUN_SECONDS = 20  # of one job, so that other jobs have their turn


@app.periodic(cron="* * * * *")
@app.task(name="search.reindex", queueing_lock="search.reindex")
def reindex(timestamp: int = 0) -> None:
    """Start a reindex when the site language has changed, and continue a running one."""
    services.start_reindex()
    services.continue_reindex(seconds=RUN_SECONDS)


@app.periodic(cron="* * * * *")
@app.task(name="search.update_vocabulary", queueing_lock="search.update_vocabulary")
def update_vocabulary(timestamp: int = 0) -> None:
    """Add the words of new texts to the vocabulary."""
    services.update_vocabulary(seconds=RUN_SECONDS)


@app.periodic(cron="43 3 * * *")
@app.task(name="search.check_index", queueing_lock="search.check_index", lock="search.check_index")
def check_index(timestamp: int = 0) -> None:
    """Compare all texts with the index and repair it, every night."""
    services.check_index()
