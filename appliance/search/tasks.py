"""Jobs of the search room. They only wake the worker: what there is to do is found by query."""

from procrastinate.contrib.django import app

from appliance.search import services

SLICE_SECONDS = 20  # of writing words anew at a time, so that other jobs have their turn


@app.periodic(cron="* * * * *")
@app.task(name="search.follow_language", queueing_lock="search.follow_language")
def follow_language(timestamp: int = 0) -> None:
    """The desk's language, and what is left to write in it."""
    services.follow_language()
    services.reword(seconds=SLICE_SECONDS)


@app.periodic(cron="* * * * *")
@app.task(name="search.learn_words", queueing_lock="search.learn_words")
def learn_words(timestamp: int = 0) -> None:
    services.learn_words(seconds=SLICE_SECONDS)


@app.periodic(cron="43 3 * * *")
@app.task(name="search.check_index", queueing_lock="search.check_index", lock="search.check_index")
def check_index(timestamp: int = 0) -> None:
    services.check_index()
