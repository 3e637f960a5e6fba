"""The steps of a run before the evaluation: each returns its results or rejects the update.

Nothing here changes an active bundle. The results are stored in the run.
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
from appliance.model_updates.onnx_inspection import OnnxInfo, WireError, inspect_model
from appliance.model_updates.removable_media import RemovableMedium
from appliance.model_updates.run_context import RunContext, upload_of
from appliance.model_updates.services import events, trust_store
from appliance.tickets.models import TicketCategory
from appliance.triage import engine
from appliance.triage.models import DIMENSIONS

MIN_DISK_MB, MIN_MEMORY_MB = 600, 400
OPSETS = range(11, 22)  # of the standard operators; onnxruntime 1.31 supports them all
STANDARD_DOMAINS = {"", "ai.onnx"}
# Operators of onnxruntime's own domain that a model may use: word vectors in 4 bits.
RUNTIME_DOMAIN, RUNTIME_OPERATORS = "com.microsoft", {"GatherBlockQuantized"}
MAX_BUNDLE_BYTES = 400_000_000
MAX_TIME_FACTOR, MAX_MEMORY_FACTOR = 2.0, 1.5  # relative to the active bundle
TOLERATED_MS, TOLERATED_MB = 15.0, 150.0  # allowed whatever the factor
SPEED_TEXTS = [
    "The printer on the second floor jams on every page since this morning, the toner is new.",
    "VPN drops every few minutes when I work from home and the shared drive is gone then.",
    "Please order two more monitors for the front office, delivery to the back door.",
]


def preflight(context: RunContext) -> dict[str, Any]:
    """Check free disk space, memory for a second bundle, and that a publisher is trusted."""
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
def open_medium(context: RunContext) -> Iterator[RemovableMedium]:
    """Open the medium of the run, or the folder into which its archive was unpacked."""
    unpacked = context.folder / "unpacked"
    with RemovableMedium(unpacked if unpacked.is_dir() else Path(context.run.source)) as medium:
        yield medium


def quarantine(context: RunContext) -> dict[str, Any]:
    """Unpack an archive into the quarantine, and check names, kinds and sizes of all files."""
    shutil.rmtree(context.folder, ignore_errors=True)
    context.folder.mkdir(parents=True, mode=0o700)
    source = upload_of(context.run) if context.run.is_upload else Path(context.run.source)
    if context.run.is_upload or source.suffix == ".tar":
        unpacked = context.folder / "unpacked"
        unpacked.mkdir()
        archive.unpack(source, unpacked)
    with open_medium(context) as medium:
        files = [*medium.walk("metadata"), *medium.walk("targets")]
    total = sum(file.size for file in files)
    return {"files": len(files), "bytes": total}


def signatures(context: RunContext) -> dict[str, Any]:
    """Verify the signatures, and copy every signed file while checking its digest."""
    with open_medium(context) as medium:
        verified = trust.verify(
            lambda name, max_bytes: _read_metadata(medium, name, max_bytes),
            pinned=trust_store.ensure_anchor(),
            seen=trust_store.seen_versions(),
            now=context.now,
            accept_expired="expired" in context.run.accepted,
        )
        note = release.parse(_read_signed(verified, medium, release.RELEASE))
        context.set_release(verified, note)
        for path in note.paths():
            _copy_signed(verified, medium, path, context.folder / path)
    if verified.is_expired:
        context.accepted_findings.append("expired")
    return {"release": verified.versions.timestamp, "targets": len(verified.targets)}


def _read_metadata(medium: RemovableMedium, name: str, max_bytes: int) -> bytes | None:
    try:
        return medium.read(f"metadata/{name}", max_bytes=max_bytes)
    except FileNotFoundError:
        return None


def _signed_target(verified: trust.Verified, path: str) -> tuple[str, int, str]:
    """Return a target's path on the medium, its signed length and its sha256."""
    target = verified.targets.get(path)
    digest = (target.hashes if target else {}).get("sha256")
    if target is None or not digest:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} is named, but not signed for.")
    if target.length > MAX_BUNDLE_BYTES:
        raise UpdateRejectedError(Step.QUARANTINE, f"{path} is larger than an update may be.")
    folder, slash, name = path.rpartition("/")
    return f"targets/{folder}{slash}{digest}.{name}", target.length, digest


def _read_signed(verified: trust.Verified, medium: RemovableMedium, path: str) -> bytes:
    source, size, digest = _signed_target(verified, path)
    try:
        content = medium.read(source, max_bytes=min(size, release.MAX_BYTES))
    except FileNotFoundError as error:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} is not there.") from error
    if len(content) != size or trust_store.fingerprint_of(content) != digest:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} was changed after it was signed.")
    return content


def _copy_signed(
    verified: trust.Verified, medium: RemovableMedium, path: str, target: Path
) -> None:
    source, size, digest = _signed_target(verified, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        actual = medium.copy(source, target, size=size)
    except FileNotFoundError as error:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} is not there.") from error
    if actual != digest:
        raise UpdateRejectedError(Step.SIGNATURES, f"{path} was changed after it was signed.")


def versions(context: RunContext) -> dict[str, Any]:
    """Store the versions as seen, which ``signatures`` compared with those seen before."""
    before = trust_store.seen_versions()
    if context.note.made_at > max(context.verified.expires_at, context.now):
        raise UpdateRejectedError(Step.VERSIONS, "It says it was made in the future.")
    if not context.is_inspection:
        trust_store.raise_floors(
            context.verified.versions,
            at=context.now,
            made_at=context.note.made_at,
            is_fresh=not context.verified.is_expired,
        )
    return {
        "seen": vars(before),
        "now": vars(context.verified.versions),
        "made_at": context.note.made_at,
        "fresh_until": context.verified.expires_at,
        "taken_to_be": context.now,
        "notes": context.note.notes,
    }


def compatibility(context: RunContext) -> dict[str, Any]:
    """Check that the release fits this version, processor, embedding size and categories."""
    note = context.note
    if not release.is_within(
        settings.SKERRY_VERSION, min_version=note.min_version, below_version=note.below_version
    ):
        text = (
            f"It requires Skerry {note.min_version} or later, below {note.below_version}; this is "
        )
        raise UpdateRejectedError(Step.COMPATIBILITY, f"{text}{settings.SKERRY_VERSION}.")
    results: dict[str, dict[str, Any]] = {}
    active: list[str] = []
    for released in note.bundles:
        folder = context.folder / "bundles" / released.name / released.version
        bundle = _describe(folder, released.role)
        if _is_active(bundle):
            active.append(released.about)
            continue
        _check_identity(bundle)
        results[released.about] = {"role": released.role, **_check_model(bundle)}
        _check_labels(bundle)
        context.bundles.append(bundle)
    packs = {
        pack.pack: events.install_articles(context, pack, dry_run=True) for pack in note.articles
    }
    return {"new": results, "runs_already": active, "articles": packs}


def _describe(folder: Path, role: str) -> Bundle:
    try:
        return describe(folder, role)
    except InferenceError as error:
        raise UpdateRejectedError(Step.COMPATIBILITY, str(error)) from error


def _is_active(bundle: Bundle) -> bool:
    active = engine.find_ref(bundle.ref.role)
    return active is not None and active.digest == bundle.ref.digest


def _check_identity(bundle: Bundle) -> None:
    """Reject other contents under a known version, or another encoder for a known space."""
    ref = bundle.ref
    installed = InstalledBundle.objects.filter(name=ref.name, version=ref.version).first()
    active = engine.find_ref(ref.role)
    is_active = active is not None and (active.name, active.version) == (ref.name, ref.version)
    if is_active or (installed is not None and installed.digest != ref.digest):
        text = (
            f"{ref.name}/{ref.version} is known here with other contents: it needs a new version."
        )
        raise UpdateRejectedError(Step.COMPATIBILITY, text)
    if ref.role != "encoder":
        return
    others = InstalledBundle.objects.filter(space=ref.space).exclude(digest=ref.digest)
    if others.exists() or (active is not None and active.space == ref.space):
        text = f"{ref.name}/{ref.version} writes into the space of another encoder ({ref.space})."
        raise UpdateRejectedError(Step.COMPATIBILITY, text)


def _check_model(bundle: Bundle) -> dict[str, Any]:
    """Inspect the ONNX files before any library opens them."""
    infos = [_inspect(bundle, name) for name in bundle.model_files]
    for problem in _requirement_problems(bundle):
        raise _incompatible(bundle, problem)
    return {
        "opset": max(map(_opset, infos)),
        "operators": len({name for info in infos for _, name in info.operators}),
        "tensors": sum(info.tensors for info in infos),
        "bytes": sum((bundle.folder / name).stat().st_size for name in bundle.model_files),
    }


def _inspect(bundle: Bundle, name: str) -> OnnxInfo:
    """Return what one ONNX file of a bundle holds; reject what must not be opened."""
    try:
        info = inspect_model((bundle.folder / name).read_bytes())
    except WireError as error:
        raise _incompatible(bundle, f"{name}: {error}") from error
    for problem in _model_problems(info):
        raise _incompatible(bundle, f"{name}: {problem}")
    return info


def _incompatible(bundle: Bundle, problem: str) -> UpdateRejectedError:
    text = f"{bundle.ref.name}/{bundle.ref.version}: {problem}."
    return UpdateRejectedError(Step.COMPATIBILITY, text)


def _opset(info: OnnxInfo) -> int:
    """Return the version of the standard operators; 0 when it uses none."""
    versions = (version for domain, version in info.opsets.items() if domain in STANDARD_DOMAINS)
    return max(versions, default=0)


def _model_problems(info: OnnxInfo) -> Iterator[str]:
    if info.has_external_data:
        yield "it keeps values in other files (external data)"
    if info.has_functions:
        yield "it brings functions of its own"
    if "EPContext" in {name for _, name in info.operators}:
        yield "it asks for compiled code (EPContext)"
    others = {domain for domain, _ in info.operators} | set(info.opsets)
    others -= {*STANDARD_DOMAINS, RUNTIME_DOMAIN}
    others |= {
        f"{domain}.{name}"
        for domain, name in info.operators
        if domain == RUNTIME_DOMAIN and name not in RUNTIME_OPERATORS
    }
    if others:
        yield f"it uses operators that are not standard ({', '.join(sorted(others))})"
    if _opset(info) not in OPSETS:
        yield (
            f"its operators are of version {_opset(info)}, not {OPSETS.start} to {OPSETS.stop - 1}"
        )


def _requirement_problems(bundle: Bundle) -> Iterator[str]:
    dims, cpu_flags = bundle.settings["dims"], bundle.settings.get("cpu_flags")
    if bundle.ref.role == "encoder" and dims != DIMENSIONS:
        yield f"its vectors have {dims} numbers, not {DIMENSIONS}"
    if not set(cpu_flags or []) <= _cpu_flags():
        yield f"it needs a processor with {cpu_flags}"


def _cpu_flags() -> set[str]:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            return set(line.partition(":")[2].split())
    return set()


def _check_labels(bundle: Bundle) -> None:
    """Reject a classifier without a category in use, which it could never predict again."""
    if bundle.ref.role != "classifier":
        return
    try:
        known = set(engine.current().bundle("classifier").labels)
    except InferenceError:
        return
    in_use = set(TicketCategory.objects.filter(is_active=True).values_list("slug", flat=True))
    if lost := sorted(in_use & known - set(bundle.labels)):
        text = f"It no longer knows categories in use: {', '.join(lost)}."
        raise UpdateRejectedError(Step.COMPATIBILITY, text)


def load(context: RunContext) -> dict[str, Any]:
    """Load each bundle in the sandbox, which also does the work of the next two steps."""
    for bundle in context.bundles:
        context.sandbox_results[bundle.ref.role] = sandbox.run_in_sandbox(
            bundle.folder, bundle.ref.role, ["load", "golden", "speed"], SPEED_TEXTS
        )
    is_closed = [result["network_closed"] for result in context.sandbox_results.values()]
    return {"memory_limit_mb": sandbox.MEMORY_MB, "network_closed": all(is_closed)}


def golden(context: RunContext) -> dict[str, Any]:
    """Report the golden texts, whose outputs ``load`` has checked in the sandbox."""
    return {role: result["golden"]["texts"] for role, result in context.sandbox_results.items()}


def budget(context: RunContext) -> dict[str, Any]:
    """Compare time and memory with those of the active bundle, measured the same way."""
    checks: dict[str, Any] = {}
    for bundle in context.bundles:
        role = bundle.ref.role
        new, old = context.sandbox_results[role]["speed"], _measure_active(role)
        checks[role] = {"ms": round(new["ms"], 2), "memory_mb": round(new["memory_mb"])}
        if old is None:
            continue
        checks[role] |= {
            "ms_before": round(old["ms"], 2),
            "memory_mb_before": round(old["memory_mb"]),
        }
        max_ms = max(MAX_TIME_FACTOR * old["ms"], old["ms"] + TOLERATED_MS)
        max_mb = max(MAX_MEMORY_FACTOR * old["memory_mb"], old["memory_mb"] + TOLERATED_MB)
        if new["ms"] > max_ms or new["memory_mb"] > max_mb:
            text = (
                f"{bundle.ref.name}/{bundle.ref.version} takes {new['ms']:.0f} ms a text and "
                f"{new['memory_mb']:.0f} MB; {max_ms:.0f} ms and {max_mb:.0f} MB are allowed, "
                f"the active one takes {old['ms']:.0f} ms and {old['memory_mb']:.0f} MB."
            )
            context.reject_unless_accepted("budget", Step.BUDGET, text)
    return checks


def _measure_active(role: str) -> dict[str, float] | None:
    """Return time and memory of the active bundle; None when there is none to measure."""
    try:
        folder = engine.current().bundle(role).folder
        speed: dict[str, float] = sandbox.run_in_sandbox(folder, role, ["speed"], SPEED_TEXTS)[
            "speed"
        ]
    except (InferenceError, UpdateRejectedError):
        return None
    return speed


def describe_installed(bundle: Bundle, installed: Path) -> Bundle:
    """Return the description of a bundle that was moved to the installed ones."""
    return describe(installed / bundle.ref.name / bundle.ref.version, bundle.ref.role)
