"""The steps before a bundle is judged: each returns what it found, or refuses.

Nothing here touches what runs. What a step found stands in the run, for whoever asks why.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings

from appliance.inference.bundle import Bundle, InferenceError, describe
from appliance.model_updates import archive, release, sandbox, trust
from appliance.model_updates.errors import Step, UpdateRejectedError
from appliance.model_updates.models import InstalledBundle
from appliance.model_updates.onnx_inspection import WireError, inspect_model
from appliance.model_updates.removable_media import RemovableMedium
from appliance.model_updates.run_context import RunContext, upload_of
from appliance.model_updates.services import events, trust_store
from appliance.tickets.models import TicketCategory
from appliance.triage import engine
from appliance.triage.models import DIMENSIONS

MIN_DISK_MB, MIN_MEMORY_MB = 600, 400
OPSETS = range(11, 22)  # of the standard operators; onnxruntime 1.31 runs them all
STANDARD = {"", "ai.onnx"}
MAX_BUNDLE_BYTES = 400_000_000
SLOWER, HEAVIER = 2.0, 1.5  # times what runs now
MORE_MS, MORE_MB = 15.0, 150.0  # what is forgiven whatever the factor
SPEED_TEXTS = [
    "The printer on the second floor jams on every page since this morning, the toner is new.",
    "VPN drops every few minutes when I work from home and the shared drive is gone then.",
    "Please order two more monitors for the front office, delivery to the back door.",
]


def preflight(work: RunContext) -> dict[str, Any]:
    """Room on the disk, memory for a second bundle, and somebody whose updates are trusted."""
    free_mb = shutil.disk_usage(settings.DATA).free // 1_000_000
    if free_mb < MIN_DISK_MB:
        text = f"{free_mb} MB are free for {settings.DATA}, {MIN_DISK_MB} are needed."
        raise UpdateRejectedError(Step.PREFLIGHT, text)
    memory_mb = _free_memory_mb()
    if memory_mb < MIN_MEMORY_MB:
        text = f"{memory_mb} MB of memory are free, {MIN_MEMORY_MB} are needed to try a bundle."
        raise UpdateRejectedError(Step.PREFLIGHT, text)
    root = trust_store.ensure_anchor()
    return {
        "free_mb": free_mb,
        "memory_mb": memory_mb,
        "trusted_root": trust_store.fingerprint_of(root),
        "skerry": settings.SKERRY_VERSION,
        "onnxruntime": version("onnxruntime"),
    }


def _free_memory_mb() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1000
    return MIN_MEMORY_MB


@contextmanager
def opened(work: RunContext) -> Iterator[RemovableMedium]:
    """The stick of the run, or the folder its archive was laid out in."""
    laid_out = work.folder / "stick"
    with RemovableMedium(laid_out if laid_out.is_dir() else Path(work.run.source)) as medium:
        yield medium


def quarantine(work: RunContext) -> dict[str, Any]:
    """A folder of this run's own; only plain files, plain names and bearable sizes come near it."""
    shutil.rmtree(work.folder, ignore_errors=True)
    work.folder.mkdir(parents=True, mode=0o700)
    source = upload_of(work.run) if work.run.is_upload else Path(work.run.source)
    if work.run.is_upload or source.suffix == ".tar":
        laid_out = work.folder / "stick"
        laid_out.mkdir()
        archive.unpack(source, laid_out)
    with opened(work) as medium:
        files = [*medium.walk("metadata"), *medium.walk("targets")]
    total = sum(each.size for each in files)
    return {"files": len(files), "bytes": total}


def signatures(work: RunContext) -> dict[str, Any]:
    """Who signed it, and that every file is the one that was signed; copied while it is checked."""
    with opened(work) as medium:
        work.verified = trust.verify(
            lambda name, most: _read_metadata(medium, name, most),
            pinned=trust_store.ensure_anchor(),
            seen=trust_store.seen(),
            now=work.now,
            accept_expired="expired" in work.run.accepted,
        )
        work.note = release.parse(_read_signed(work, medium, release.RELEASE))
        for path in work.note.paths():
            _copy_signed(work, medium, path)
    if work.verified.is_expired:
        work.accepted_findings.append("expired")
    return {"release": work.verified.versions.timestamp, "targets": len(work.verified.targets)}


def _read_metadata(medium: RemovableMedium, name: str, most: int) -> bytes | None:
    try:
        return medium.read(f"metadata/{name}", most=most)
    except FileNotFoundError:
        return None


def _signed(work: RunContext, path: str) -> tuple[str, int, str]:
    """Where a target lies on the stick, its signed length and sha256."""
    target = work.verified.targets.get(path)
    digest = (target.hashes if target else {}).get("sha256")
    if target is None or not digest:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} is named, but not signed for.")
    if target.length > MAX_BUNDLE_BYTES:
        raise UpdateRejectedError(Step.QUARANTINE, f"{path} is larger than an update may be.")
    folder, slash, name = path.rpartition("/")
    return f"targets/{folder}{slash}{digest}.{name}", target.length, digest


def _read_signed(work: RunContext, medium: RemovableMedium, path: str) -> bytes:
    place, size, digest = _signed(work, path)
    try:
        content = medium.read(place, most=min(size, release.MAX_BYTES))
    except FileNotFoundError as error:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} is not there.") from error
    if len(content) != size or trust_store.fingerprint_of(content) != digest:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} was changed after it was signed.")
    return content


def _copy_signed(work: RunContext, medium: RemovableMedium, path: str) -> None:
    place, size, digest = _signed(work, path)
    target = work.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        actual = medium.copy(place, target, size=size)
    except FileNotFoundError as error:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} is not there.") from error
    if actual != digest:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} was changed after it was signed.")


def versions(work: RunContext) -> dict[str, Any]:
    """Not older than anything seen (``signatures`` compared); from now on this counts as seen."""
    before = trust_store.seen()
    if work.note.made_at > max(work.verified.expires_at, work.now):
        raise UpdateRejectedError(Step.VERSIONS, "It says it was made in the future.")
    if not work.is_inspection:
        trust_store.raise_floors(
            work.verified.versions,
            at=work.now,
            made_at=work.note.made_at,
            is_fresh=not work.verified.is_expired,
        )
    return {
        "seen": vars(before),
        "now": vars(work.verified.versions),
        "made_at": work.note.made_at,
        "fresh_until": work.verified.expires_at,
        "taken_to_be": work.now,
        "notes": work.note.notes,
    }


def compatibility(work: RunContext) -> dict[str, Any]:
    """Made for this Skerry, this processor, these vectors and these categories."""
    note = work.note
    if not release.is_within(settings.SKERRY_VERSION, least=note.least, below=note.below):
        text = f"It is for Skerry {note.least} up to below {note.below}; this is "
        raise UpdateRejectedError(Step.COMPATIBILITY, f"{text}{settings.SKERRY_VERSION}.")
    results, same = {}, []
    for named in note.bundles:
        folder = work.folder / "bundles" / named.name / named.version
        bundle = _describe(folder, named.role)
        if _is_running(bundle):
            same.append(named.about)
            continue
        _check_identity(bundle)
        results[named.about] = {"role": named.role, **_check_model(bundle)}
        _check_labels(bundle)
        work.bundles.append(bundle)
    packs = {pack.pack: events.install_articles(work, pack, dry_run=True) for pack in note.articles}
    return {"new": results, "runs_already": same, "articles": packs}


def _describe(folder: Path, role: str) -> Bundle:
    try:
        return describe(folder, role)
    except InferenceError as error:
        raise UpdateRejectedError(Step.COMPATIBILITY, str(error)) from error


def _is_running(bundle: Bundle) -> bool:
    running = engine.find_ref(bundle.ref.role)
    return running is not None and running.digest == bundle.ref.digest


def _check_identity(bundle: Bundle) -> None:
    """A version is one thing for ever, and so is a vector space."""
    ref = bundle.ref
    known = InstalledBundle.objects.filter(name=ref.name, version=ref.version).first()
    running = engine.find_ref(ref.role)
    taken = running is not None and (running.name, running.version) == (ref.name, ref.version)
    if taken or (known is not None and known.digest != ref.digest):
        text = (
            f"{ref.name}/{ref.version} is known here with other contents: it needs a new version."
        )
        raise UpdateRejectedError(Step.COMPATIBILITY, text)
    if ref.role != "encoder":
        return
    others = InstalledBundle.objects.filter(space=ref.space).exclude(digest=ref.digest)
    if others.exists() or (running is not None and running.space == ref.space):
        text = f"{ref.name}/{ref.version} writes into the space of another encoder ({ref.space})."
        raise UpdateRejectedError(Step.COMPATIBILITY, text)


def _check_model(bundle: Bundle) -> dict[str, Any]:
    """What the file itself asks for, before any library opens it."""
    about = f"{bundle.ref.name}/{bundle.ref.version}"
    path = bundle.folder / "model.onnx"
    try:
        needs = inspect_model(path.read_bytes())
    except WireError as error:
        raise UpdateRejectedError(Step.COMPATIBILITY, f"{about}: model.onnx: {error}.") from error
    operators = {name for _, name in needs.operators}
    domains = {domain for domain, _ in needs.operators} | set(needs.opsets)
    opset = max((n for d, n in needs.opsets.items() if d in STANDARD), default=0)
    problems = {
        "it keeps values in other files (external data)": needs.has_external_data,
        "it brings functions of its own": needs.has_functions,
        "it asks for compiled code (EPContext)": "EPContext" in operators,
        f"it uses operators that are not standard ({', '.join(sorted(domains - STANDARD))})": bool(
            domains - STANDARD
        ),
        f"its operators are of version {opset}, not {OPSETS.start} to {OPSETS.stop - 1}": opset
        not in OPSETS,
        f"its vectors have {bundle.settings['dims']} numbers, not {DIMENSIONS}": bundle.ref.role
        == "encoder"
        and bundle.settings["dims"] != DIMENSIONS,
        f"it needs a processor with {bundle.settings.get('cpu_flags')}": not set(
            bundle.settings.get("cpu_flags") or []
        )
        <= _cpu_flags(),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise UpdateRejectedError(Step.COMPATIBILITY, f"{about}: {problem}.")
    return {
        "opset": opset,
        "operators": len(operators),
        "tensors": needs.tensors,
        "bytes": path.stat().st_size,
    }


def _cpu_flags() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            return set(line.partition(":")[2].split())
    return set()


def _check_labels(bundle: Bundle) -> None:
    """A classifier that forgot a category the desk uses would never choose it again."""
    if bundle.ref.role != "classifier":
        return
    try:
        known = set(engine.current().bundle("classifier").labels)
    except InferenceError:
        return
    used = set(TicketCategory.objects.filter(is_active=True).values_list("slug", flat=True))
    if lost := sorted(used & known - set(bundle.labels)):
        text = f"It no longer knows categories this desk uses: {', '.join(lost)}."
        raise UpdateRejectedError(Step.COMPATIBILITY, text)


def load(work: RunContext) -> dict[str, Any]:
    """Open it in a process of its own, which goes on to what the next two steps tell."""
    for bundle in work.bundles:
        work.tried[bundle.ref.role] = sandbox.run_in_sandbox(
            bundle.folder, bundle.ref.role, ["load", "golden", "speed"], SPEED_TEXTS
        )
    closed = [result["network_closed"] for result in work.tried.values()]
    return {"memory_limit_mb": sandbox.MEMORY_MB, "network_closed": all(closed)}


def golden(work: RunContext) -> dict[str, Any]:
    """The recorded texts gave the recorded outputs (``load`` ran them)."""
    return {role: result["golden"]["texts"] for role, result in work.tried.items()}


def budget(work: RunContext) -> dict[str, Any]:
    """Not much slower and not much larger than what runs now, measured the same way."""
    checks: dict[str, Any] = {}
    for bundle in work.bundles:
        role, new = bundle.ref.role, work.tried[bundle.ref.role]["speed"]
        old = _speed_of_running(role)
        checks[role] = {"ms": round(new["ms"], 2), "memory_mb": round(new["memory_mb"])}
        if old is None:
            continue
        checks[role] |= {
            "ms_before": round(old["ms"], 2),
            "memory_mb_before": round(old["memory_mb"]),
        }
        most_ms = max(SLOWER * old["ms"], old["ms"] + MORE_MS)
        most_mb = max(HEAVIER * old["memory_mb"], old["memory_mb"] + MORE_MB)
        if new["ms"] > most_ms or new["memory_mb"] > most_mb:
            text = (
                f"{bundle.ref.name}/{bundle.ref.version} takes {new['ms']:.0f} ms a text and "
                f"{new['memory_mb']:.0f} MB; {most_ms:.0f} ms and {most_mb:.0f} MB are allowed, "
                f"what runs takes {old['ms']:.0f} ms and {old['memory_mb']:.0f} MB."
            )
            work.refuse_unless_accepted("budget", Step.BUDGET, text)
    return checks


def _speed_of_running(role: str) -> dict[str, float] | None:
    try:
        folder = engine.current().bundle(role).folder
        return sandbox.run_in_sandbox(folder, role, ["speed"], SPEED_TEXTS)["speed"]
    except (InferenceError, UpdateRejectedError):
        return None  # nothing runs, or it cannot be measured: there is nothing to compare with


def placed(bundle: Bundle, folder: Path) -> Bundle:
    """Path of the bundle in the bundle store."""
    return describe(folder / bundle.ref.name / bundle.ref.version, bundle.ref.role)
