"""Storage for static files with a hash in their name."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Hashed names; does not look for the source maps that minified files name but do not ship."""

    manifest_strict = True
    patterns = tuple(
        (glob, [rule for rule in rules if "sourceMappingURL" not in str(rule)])
        for glob, rules in CompressedManifestStaticFilesStorage.patterns
    )

    def save_manifest(self) -> None:
        """Write the manifest sorted by name: the order of the files differs between disks."""
        self.hashed_files = dict(sorted(self.hashed_files.items()))
        super().save_manifest()
