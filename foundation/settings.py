"""One typed object from the environment, read once at the root; all problems reported together, secrets never shown."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from foundation.notices.addresses import check_mail_url, check_sms_url
from foundation.notices.mail import is_mail_address


class Settings(BaseSettings):
    """Everything an operator may set.

    Environment names: as below in capitals, with prefix ``CENTRE_``, except the four customary ones (DATABASE_URL,
    REDIS_URL, BROKER_URL, STORAGE_URL).
    """

    model_config = SettingsConfigDict(
        env_prefix="CENTRE_", extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(default=Path("var"), description="Folder of database, files, keys and sockets")
    database_url: str = Field(default="", validation_alias="DATABASE_URL", description="Empty: SQLite in data_dir")
    redis_url: str = Field(default="", validation_alias="REDIS_URL", description="Empty: memory")
    broker_url: str = Field(default="", validation_alias="BROKER_URL", description="Empty: REDIS_URL or memory")
    storage_url: str = Field(default="", validation_alias="STORAGE_URL", description="Empty: folder in data_dir")
    bind_host: str = Field(default="127.0.0.1", description="Address both servers listen on")
    web_port: int = Field(default=8000, ge=1, le=65535, description="Port of the pages")
    room_port: int = Field(default=8001, ge=1, le=65535, description="Port of rooms and uploads")
    cosigner_url: str = Field(default="", description="Base address of the cosigner; empty: none")
    cosigner_vkey: str = Field(default="", description="Public key of the cosigner; empty: as the local one left it")
    bank_url: str = Field(default="", description="Base address of the deposit bank; empty: none")
    ca_roots: Path | None = Field(
        default=None, description="Folder of CA roots (*.pem) and revocation lists (*.crl); empty: data_dir/ca-roots"
    )
    tsa_url: str = Field(default="", description="Time stamping authority (RFC 3161) for frozen lists; empty: none")
    tsa_roots: Path | None = Field(default=None, description="PEM roots that time stamps are checked against")
    beacon_urls: str = Field(default="", description="drand relays for announced beacons, comma separated; empty: none")
    public_url: str = Field(
        default="", description="Address at which people reach the pages, for links in messages; empty: localhost"
    )
    smtp_url: str = Field(
        default="",
        description="Mail server: smtps://user@host:465 or smtp+starttls://user@host:587, password in"
        " secrets/smtp-password; smtp://localhost; file: or console: for development; empty: off, in a"
        " demonstration file:",
    )
    mail_from: str = Field(default="centre@localhost", description="Sender of e-mail")
    sms_url: str = Field(
        default="",
        description="SMS gateway that takes signed JSON over https (key in secrets/sms.key); file: or console:;"
        " empty: off, in a demonstration file:",
    )
    notice_roots: Path | None = Field(
        default=None, description="PEM roots believed beside the system's, of mail servers, SMS gateway and webhooks"
    )
    notice_private_targets: bool = Field(
        default=False, description="Webhooks may point to http and to private addresses: for tests and development"
    )
    freeze_grace_seconds: int = Field(
        default=60, ge=10, le=600, description="How long after a deadline the frozen list may reach the cosigned log"
    )
    tick_seconds: int = Field(default=10, ge=1, description="Length of a blinded tick of the log (machine clock)")
    public_hosts: str = Field(default="", description="Further host names this centre answers to, comma separated")
    tls_certificate: Path | None = Field(default=None, description="PEM chain; with tls_key both servers speak TLS")
    tls_key: Path | None = Field(default=None, description="PEM private key of tls_certificate")
    demo: bool = Field(default=False, description="Demonstration centre: clock control and sample data")
    log_origin: str = Field(default="centre.localhost/log", description="C2SP origin line of the transparency log")
    centre_uscc: str = Field(default="12320412466011756K", description="Unified code of the trading centre")
    region_code: str = Field(default="320412", pattern=r"^\d{6}$", description="GB/T 2260 code of the district")
    rare_fonts_dir: Path | None = Field(default=None, description="Extra fonts for rare characters in PDFs")
    web_threads: int = Field(default=12, ge=2, le=200, description="Request threads of the web process")
    secret_key: SecretStr = Field(default=SecretStr(""), description="Empty: made once in data_dir/secrets")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe line that is logged"
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: str) -> str:
        return check_mail_url(value)

    @field_validator("mail_from")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        if not is_mail_address(value):
            raise ValueError("an e-mail address, please")
        return value

    @field_validator("sms_url")
    @classmethod
    def _sms_gateway(cls, value: str) -> str:
        return check_sms_url(value)

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'centre.db'}"

    @property
    def broker(self) -> str:
        return self.broker_url or self.redis_url or "memory://"

    @property
    def storage(self) -> str:
        return self.storage_url or f"file://{self.data_dir / 'objects'}"

    @property
    def run_dir(self) -> Path:
        """Sockets of running processes; kept short because Unix socket paths are limited to 107 bytes."""
        return self.data_dir / "run"

    @property
    def secrets_dir(self) -> Path:
        return self.data_dir / "secrets"

    @property
    def ca_roots_dir(self) -> Path:
        """Whose certificates are believed; a folder that is missing or empty means nobody's."""
        return self.ca_roots or self.data_dir / "ca-roots"

    @property
    def scheme(self) -> str:
        return "https" if self.tls_certificate else "http"

    @property
    def web_origin(self) -> str:
        return f"{self.scheme}://localhost:{self.web_port}"

    @property
    def public_origin(self) -> str:
        """Where links of messages lead."""
        return self.public_url.rstrip("/") or self.web_origin
