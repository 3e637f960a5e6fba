"""Keeping the index of words true."""

from appliance.search.services.checking import check_index
from appliance.search.services.learning import learn_words
from appliance.search.services.rewording import follow_language, reword

__all__ = ["check_index", "follow_language", "learn_words", "reword"]
