"""Encrypt other people's secrets before they're stored."""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.errors import SetupError

KEY_FORMAT = (
    "STUDYHALL_SECRET_KEY must be a key from `studyhall slack key`, or several separated by commas: the first one "
    "encrypts, and the others can still decrypt older tokens."
)


class Vault:
    """Encrypt with the first of several keys, and decrypt with any of them."""

    def __init__(self, keys: str) -> None:
        """Take keys separated by commas. Raises SetupError if one of them isn't a key."""
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.split(",") if key.strip()])
        except ValueError:
            raise SetupError(KEY_FORMAT) from None

    def encrypt(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, text: str) -> str:
        """Decrypt a value. Raises SetupError if it was encrypted with another key."""
        try:
            return self._fernet.decrypt(text.encode()).decode()
        except InvalidToken:
            raise SetupError(f"This token was encrypted with another key. {KEY_FORMAT}") from None


def new_key() -> str:
    return Fernet.generate_key().decode()


def derived_key(secret: str, purpose: str) -> str:
    """Return a key that only those who know the secret can make; `secret` must be a long random one, not a password."""
    key = HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())
    return base64.urlsafe_b64encode(key).decode()
