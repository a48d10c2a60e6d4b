"""How stored bytes are encrypted: AES-256-GCM under the data key of an account. Pure.

An envelope is MAGIC, the id of the data key (8 bytes), a random nonce (12), and the ciphertext with its tag
(16). Whose it is and the place where it is stored are authenticated with it and are not in it: whoever reads
says them. So an envelope is refused when a bit of it is changed, when it is cut, and when it lies in another
place or under another account than it was written for.

No envelope begins as anything does that is stored unencrypted: JSON, zlib and artefacts have another first
byte.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass, field

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from errors import Undecryptable

MAGIC = b"\x00aes"
KEY_BYTES, ID_BYTES, NONCE_BYTES, TAG_BYTES = 32, 8, 12, 16
_ID, _NONCE = len(MAGIC), len(MAGIC) + ID_BYTES
_TEXT = _NONCE + NONCE_BYTES
_LEAST = _TEXT + TAG_BYTES
_DIGEST = 16  # bytes

# Where something is stored: what kind of thing it is, then whatever tells it from others of its kind.
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one account. `created_at` is epoch seconds."""

    id: bytes
    user_id: str
    creator_id: str
    created_at: float
    secret: bytes = field(repr=False)
    _cipher: AESGCM = field(init=False, repr=False, compare=False)
    _digests: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cipher", AESGCM(self.secret))
        object.__setattr__(self, "_digests", hmac.digest(self.secret, b"digests", hashlib.sha256))

    def encrypt(self, place: Place, plain: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return b"".join((MAGIC, self.id, nonce, self._cipher.encrypt(nonce, plain, self._beside(place))))

    def decrypt(self, place: Place, envelope: bytes) -> bytes:
        """Undecryptable: it is not what was written for this account and place."""
        if len(envelope) < _LEAST or envelope[:_NONCE] != MAGIC + self.id:
            raise Undecryptable(f"A stored {place[0]} is cut off, or is of another account.")
        try:
            return self._cipher.decrypt(envelope[_NONCE:_TEXT], envelope[_TEXT:], self._beside(place))
        except InvalidTag:
            raise Undecryptable(
                f"A stored {place[0]} was changed, or lies where it was not written."
            ) from None

    def digest(self, value: str) -> str:
        """A keyed hash of the value, in hex: the same for the same, and nothing to who lacks the key."""
        return hashlib.blake2b(value.encode(), key=self._digests, digest_size=_DIGEST).hexdigest()

    def _beside(self, place: Place) -> bytes:
        return orjson.dumps((self.user_id, self.creator_id, *place))


def is_encrypted(data: bytes) -> bool:
    return data.startswith(MAGIC)


def key_id(envelope: bytes) -> bytes:
    """The id of the data key that encrypted it."""
    return envelope[_ID:_NONCE]
