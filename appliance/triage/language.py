"""How the language of a text takes part in the work queue: as a role whose bundle is a library.

So the languages of new, changed and old texts are recognised by the same means as their categories,
with models and without. The languages of the desk belong to the digest: after another choice all
texts are recognised again, in the background. See decision 33.
"""

from appliance.core import queries as core_queries
from appliance.inference.bundle import BundleRef
from appliance.inference.languages import RECOGNISER
from appliance.triage.texts import digest

ROLE = "language"


def find_ref() -> BundleRef:
    """Return which library recognises languages, and for which desk."""
    name, version = RECOGNISER
    key = " ".join((name, version, *core_queries.desk_languages()))
    return BundleRef(ROLE, name, version, digest(key))
