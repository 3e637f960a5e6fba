"""Static files with a hash in their name."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Hashed names, and no error for the source maps that minified packages name but omit."""

    manifest_strict = True
    patterns = tuple(
        (glob, [rule for rule in rules if "sourceMappingURL" not in str(rule)])
        for glob, rules in CompressedManifestStaticFilesStorage.patterns
    )

    def save_manifest(self) -> None:
        """In order of name: the order files are found in differs from disk to disk."""
        self.hashed_files = dict(sorted(self.hashed_files.items()))
        super().save_manifest()
