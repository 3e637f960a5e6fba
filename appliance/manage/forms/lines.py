from django import forms


class LinesField(forms.CharField):
    """Several short texts, one a line. Its value is a list; empty lines are nothing."""

    widget = forms.Textarea

    def prepare_value(self, value: object) -> object:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: object) -> list[str]:
        text = super().to_python(value) or ""
        return [line.strip() for line in text.splitlines() if line.strip()]

    def run_validators(self, value: list[str]) -> None:
        super().run_validators("\n".join(value))

    def has_changed(self, initial: object, data: object) -> bool:
        return list(initial or []) != self.to_python(data)
