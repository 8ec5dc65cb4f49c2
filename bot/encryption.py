"""Secrets of others, encrypted before they are kept."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot.errors import SetupError

WANTED = (
    "STUDYHALL_SECRET_KEY is a key made by `studyhall slack key`, or several with commas between them: the first "
    "encrypts, the others still decrypt what they encrypted."
)


class Vault:
    """Encrypts with the first of its keys, and decrypts with any of them."""

    def __init__(self, keys: str) -> None:
        """Raises SetupError where one of the keys is none."""
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys.split(",") if key.strip()])
        except ValueError:
            raise SetupError(WANTED) from None

    def encrypt(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode()

    def decrypt(self, text: str) -> str:
        """Raises SetupError where none of the keys encrypted it."""
        try:
            return self._fernet.decrypt(text.encode()).decode()
        except InvalidToken:
            raise SetupError(f"What is kept was encrypted with another key. {WANTED}") from None


def new_key() -> str:
    return Fernet.generate_key().decode()
