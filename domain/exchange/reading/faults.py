"""Why a cell has no value."""


class CellFault(ValueError):
    """`code` is stable, `detail` says what to do and never repeats the cell."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail
