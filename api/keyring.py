"""The service's secrets, in one place: a JSON document in the environment or in a file of mode 0600.

Decision: keys never stand readable in the database. A stolen backup is then useless without them; the cost is
that a restored backup is useless as well, so the keyring has to be kept with the same care, somewhere else.
What stands in the database are the signing keys, which every worker has to share, sealed under a field key.
"""

import base64
import binascii
import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from auth.keys import BadKey, KeyState, SigningKey, SigningKeys

FILE_NAME = "keys.json"
_FORMAT = 2
_FIRST_FORMAT = 1
"""One index key, no audit and backup keys, and the signing keys in the document."""
_LAST_KEY_ID = 255  # it has to fit into the first byte of what is sealed
_KEY = 32  # bytes of every symmetric key
_LARGEST = 65_536  # bytes of a keyring
_HOW = "make them with `kaejon keys generate`, and give them in KAEJON_KEYS or KAEJON_KEYS_FILE"


class KeyringError(Exception):
    """The keys are missing, unsafe or malformed. Says what to do; never quotes a key."""


@dataclass(frozen=True, slots=True, eq=False)
class Keyring:
    """Every secret of the service. `repr` shows none of them."""

    field_keys: Mapping[int, bytes] = field(repr=False)
    """By id, 1 to 255; all of them open sealed fields, the current one seals."""
    current_field_key: int = field(repr=False)
    index_keys: Mapping[int, bytes] = field(repr=False)
    """By id, 1 to 255, under the blind index of citizen ids: an id is written under all, found by the current."""
    current_index_key: int = field(repr=False)
    client_pepper: bytes = field(repr=False)
    """Under the hashes of client secrets; a change makes every client's secret wrong."""
    cursor_key: bytes = field(repr=False)
    """Signs page cursors; a change sends readers back to the first page."""
    audit_key: bytes = field(repr=False)
    """Under the chain of the access log; a change breaks the chain's proof."""
    backup_key: bytes = field(repr=False)
    """Seals what `kaejon db dump` writes."""
    signing: SigningKeys | None = field(default=None, repr=False)
    """Only in a document from before they stood in the database, which takes them over once."""

    @property
    def fingerprint(self) -> str:
        """Names the keyring by what is never rotated, and tells nothing of it: it has 256 random bits."""
        return hmac.digest(self.client_pepper, b"kaejon keyring", "sha256").hex()

    @property
    def digest(self) -> bytes:
        """Changes with every key that workers take up while they run; 32 bytes that tell nothing of them."""
        told = json.dumps(
            [
                [[key_id, key.hex()] for key_id, key in sorted(self.field_keys.items())],
                self.current_field_key,
                [[key_id, key.hex()] for key_id, key in sorted(self.index_keys.items())],
                self.current_index_key,
            ]
        )
        return hmac.digest(_derived(self.client_pepper, "digest"), told.encode(), "sha256")

    @property
    def content_key(self) -> bytes:
        """Under the hashes that tell a repeated event from another one: those outlive every index key."""
        return _derived(self.client_pepper, "content")

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes] = secrets.token_bytes) -> "Keyring":
        return cls(
            field_keys={1: entropy(_KEY)},
            current_field_key=1,
            index_keys={1: entropy(_KEY)},
            current_index_key=1,
            client_pepper=entropy(_KEY),
            cursor_key=entropy(_KEY),
            audit_key=entropy(_KEY),
            backup_key=entropy(_KEY),
        )

    def to_json(self) -> str:
        """The document, with every secret in it: for the file or the operator's vault."""
        document: dict[str, Any] = {
            "format": _FORMAT,
            "field_keys": _texts(self.field_keys),
            "current_field_key": self.current_field_key,
            "index_keys": _texts(self.index_keys),
            "current_index_key": self.current_index_key,
            "client_pepper": _text(self.client_pepper),
            "cursor_key": _text(self.cursor_key),
            "audit_key": _text(self.audit_key),
            "backup_key": _text(self.backup_key),
        }
        if self.signing is not None:
            document["signing_keys"] = [
                {
                    "state": key.state.value,
                    "retiring_since": key.retiring_since,
                    "private_key": key.private_pem(),
                }
                for key in self.signing.keys
            ]
        return json.dumps(document, indent=2)

    @classmethod
    def from_json(cls, text: str, *, source: str) -> "Keyring":
        """Reads the document; `source` names it in errors. Raises KeyringError."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        # Raised outside the handler: the parser's exception holds the whole text.
        if not isinstance(document, dict):
            raise KeyringError(f"{source} is not a keyring: not a JSON object; {_HOW}")
        return _Reader(source).keyring(document)


class _Reader:
    """Takes a document apart; every fault names the source and the place, never the value."""

    def __init__(self, source: str) -> None:
        self._source = source

    def keyring(self, document: dict[str, Any]) -> Keyring:
        known = {"format", "field_keys", "client_pepper", "cursor_key", "signing_keys"}
        if document.get("format") == _FIRST_FORMAT:
            self._refuse_unknown(document, known | {"index_key"})
            return self._first_format(document)
        if document.get("format") != _FORMAT:
            self._refuse("format", f"{_FIRST_FORMAT} or {_FORMAT}")
        newer = {"current_field_key", "index_keys", "current_index_key", "audit_key", "backup_key"}
        self._refuse_unknown(document, known | newer)
        field_keys = self._keys(document, "field_keys")
        index_keys = self._keys(document, "index_keys")
        # Absent from every document but one that an earlier version wrote: the database has them.
        signing = self._signing_keys(document["signing_keys"]) if "signing_keys" in document else None
        return Keyring(
            field_keys=field_keys,
            current_field_key=self._current(document, "current_field_key", field_keys),
            index_keys=index_keys,
            current_index_key=self._current(document, "current_index_key", index_keys),
            client_pepper=self._key(document.get("client_pepper"), "client_pepper"),
            cursor_key=self._key(document.get("cursor_key"), "cursor_key"),
            audit_key=self._key(document.get("audit_key"), "audit_key"),
            backup_key=self._key(document.get("backup_key"), "backup_key"),
            signing=signing,
        )

    def _first_format(self, document: dict[str, Any]) -> Keyring:
        field_keys = self._keys(document, "field_keys")
        pepper = self._key(document.get("client_pepper"), "client_pepper")
        return Keyring(
            field_keys=field_keys,
            current_field_key=max(field_keys),
            index_keys={1: self._key(document.get("index_key"), "index_key")},
            current_index_key=1,
            client_pepper=pepper,
            cursor_key=self._key(document.get("cursor_key"), "cursor_key"),
            # The same at every reading, on every host, until the document is written in the format of today.
            audit_key=_derived(pepper, "audit"),
            backup_key=_derived(pepper, "backup"),
            signing=self._signing_keys(document.get("signing_keys")),
        )

    def _refuse_unknown(self, document: dict[str, Any], known: set[str]) -> None:
        if not document.keys() <= known:
            self._refuse("a member", "known; the file may be of a later version")

    def _keys(self, document: dict[str, Any], name: str) -> dict[int, bytes]:
        value = document.get(name)
        if not isinstance(value, dict) or not value:
            self._refuse(name, "an object of keys by id")
        keys = {}
        for key_id, text in value.items():
            # One spelling an id, so that "1" and "01" cannot both stand.
            if key_id not in {str(number) for number in range(1, _LAST_KEY_ID + 1)}:
                self._refuse(name, f"keys by an id from 1 to {_LAST_KEY_ID}")
            keys[int(key_id)] = self._key(text, f"{name}.{key_id}")
        return keys

    def _current(self, document: dict[str, Any], name: str, keys: Mapping[int, bytes]) -> int:
        value = document.get(name)
        if type(value) is not int or value not in keys:
            self._refuse(name, "the id of one of those keys")
        return value

    def _signing_keys(self, value: object) -> SigningKeys:
        if not isinstance(value, list):
            self._refuse("signing_keys", "a list")
        try:
            return SigningKeys(tuple(self._signing_key(one, place) for place, one in enumerate(value)))
        except BadKey as error:
            raise KeyringError(f"{self._source} is not a keyring: {error}") from None

    def _signing_key(self, value: object, place: int) -> SigningKey:
        at = f"signing_keys[{place}]"
        if not isinstance(value, dict) or not isinstance(value.get("private_key"), str):
            self._refuse(at, "an object with state, retiring_since and private_key")
        since = value.get("retiring_since")
        if value.get("state") not in list(KeyState) or not (since is None or type(since) is int):
            self._refuse(at, "an object with a known state, and retiring_since in Unix seconds or null")
        return SigningKey.from_pem(value["private_key"], KeyState(value["state"]), retiring_since=since)

    def _key(self, value: object, at: str) -> bytes:
        raw = None
        with suppress(binascii.Error, ValueError):
            raw = base64.b64decode(value, altchars=b"-_", validate=True) if isinstance(value, str) else None
        if raw is None or len(raw) != _KEY:
            self._refuse(at, f"{_KEY} bytes in base64url")
        return raw

    def _refuse(self, at: str, wanted: str) -> NoReturn:
        raise KeyringError(f"{self._source} is not a keyring: {at} has to be {wanted}")


def load_keyring(
    *, text: str | None, file: Path | None, data_dir: Path, external_database: bool, holds_data: bool
) -> Keyring:
    """The keyring of this service.

    `text` is KAEJON_KEYS, `file` is KAEJON_KEYS_FILE. With neither, and the embedded database, the keys stand
    beside the data and are made there at the first start. An external database is shared, so its keys have
    to be as well: they must be given. `holds_data`, found out before this is called, says that there is a
    cluster already: new keys would not open what it holds. Raises KeyringError.
    """
    if text is not None and file is not None:
        raise KeyringError("KAEJON_KEYS and KAEJON_KEYS_FILE are both set: set one of them")
    if text is not None:
        return Keyring.from_json(text, source="KAEJON_KEYS")
    if file is not None:
        return read_keyring(file)
    if external_database:
        raise KeyringError(f"KAEJON_DATABASE_URL is set, and no keys are: {_HOW}")
    path = data_dir / FILE_NAME
    if not path.exists():
        if holds_data:
            raise KeyringError(f"{path} is gone, and {data_dir} holds data sealed under it: restore the file")
        with _explained(path, "written"):
            data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Of two processes that start at once one writes, and both read what stands there then.
        with suppress(FileExistsError):
            write_keyring(path, Keyring.generate(), replacing=False)
    return read_keyring(path)


def read_keyring(path: Path) -> Keyring:
    """The keyring in a file that only its owner can open: us, or root. Raises KeyringError."""
    with _explained(path, "read"):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            # Asked of what is open, not of a path that may change in between.
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise KeyringError(f"{path} is not a regular file")
            if status.st_mode & 0o077:
                mode = stat.S_IMODE(status.st_mode)
                raise KeyringError(f"{path} has mode {mode:04o}, open to others: chmod 600 {path}")
            if status.st_uid not in (os.geteuid(), 0):
                raise KeyringError(f"{path} belongs to user id {status.st_uid}, not to the service's user")
            raw = opened.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise KeyringError(f"{path} is not a keyring: it is too large")
    return Keyring.from_json(raw.decode("utf-8", "replace"), source=str(path))


def write_keyring(path: Path, keyring: Keyring, *, replacing: bool) -> None:
    """Writes the keyring with mode 0600, whole or not at all; a file that is replaced keeps its owner.

    Raises FileExistsError when there is a file and it is not to be replaced, KeyringError when the directory
    does not take one.
    """
    if replacing:
        # Of a link the file that it names: the link may be how others find it.
        path = path.resolve()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with _explained(path, "written"):
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as opened:
                if replacing:
                    _hand_over(opened.fileno(), path)
                opened.write(keyring.to_json())
                opened.flush()
                os.fsync(opened.fileno())
            if replacing:
                temporary.replace(path)
            else:
                # A hard link appears whole, and fails where a name stands already.
                os.link(temporary, path)
            _settle(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def _hand_over(descriptor: int, path: Path) -> None:
    """Root changes keys that a service under another account has to read."""
    with suppress(FileNotFoundError):
        status = path.stat()
        if status.st_uid != os.geteuid():
            os.fchown(descriptor, status.st_uid, status.st_gid)


def _settle(directory: Path) -> None:
    """Makes the new name last: keys lost in a power cut would take the sealed data with them."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(path: Path, done: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise KeyringError(f"the keys in {path} could not be {done}: {error.strerror}") from None


def next_key_id(keys: Mapping[int, bytes]) -> int:
    """The id of a key that joins these: ids only grow, so that the youngest is known. Raises KeyringError."""
    if max(keys) == _LAST_KEY_ID:
        raise KeyringError(f"there is no key id after {_LAST_KEY_ID}")
    return max(keys) + 1


def _derived(key: bytes, label: str) -> bytes:
    """A key for one purpose out of another: by its label, and of no use for finding the other."""
    return hmac.digest(key, f"kaejon {label} key".encode(), "sha256")


def _texts(keys: Mapping[int, bytes]) -> dict[str, str]:
    return {str(key_id): _text(key) for key_id, key in sorted(keys.items())}


def _text(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode()
