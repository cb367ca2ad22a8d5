"""A small SMTP server that really receives, and can be told to misbehave. It speaks enough of RFC 5321 and 3207."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from tests.support.services import free_port


@dataclass
class Conduct:
    """How the server behaves. ``rcpt`` and ``data`` are the answers to RCPT and to the end of DATA."""

    rcpt: str = "250 ok"
    data: str = "250 taken"
    starttls: bool = False
    user: str = ""
    password: str = ""


@dataclass
class MailServer:
    """Keeps every mail it took, by Message-ID as a mail server that drops doubles would, and in order."""

    port: int
    conduct: Conduct = field(default_factory=Conduct)
    context: ssl.SSLContext | None = None
    tls_from_start: bool = False
    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    connections: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _server: asyncio.Server | None = None

    @property
    def texts(self) -> list[str]:
        return [str(mail.get_content()) for mail in self.taken]

    def start(self) -> MailServer:
        started = threading.Event()

        async def listen() -> None:
            context = self.context if self.tls_from_start else None
            self._server = await asyncio.start_server(self._speak, "127.0.0.1", self.port, ssl=context)
            started.set()

        def run() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.create_task(listen())
            self._loop.run_forever()
            self._loop.close()

        self._thread = threading.Thread(target=run, name="smtp-server", daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def stop(self) -> None:
        """Close the door and every connection; a second time nothing happens."""
        if self._loop.is_closed():
            return

        async def close() -> None:
            if self._server is not None:
                self._server.close()
            mine = asyncio.current_task()
            others = [one for one in asyncio.all_tasks() if one is not mine]
            for one in others:
                one.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        assert self._thread is not None
        self._thread.join(10)

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._session(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        sender, recipients, is_known = "", [], not self.conduct.user
        await say("220 mail.test ESMTP")
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            if verb == "EHLO":
                offers = ["mail.test", "AUTH PLAIN", *(["STARTTLS"] if self.conduct.starttls else [])]
                for number, offer in enumerate(offers):
                    await say(f"250{' ' if number == len(offers) - 1 else '-'}{offer}")
            elif verb == "STARTTLS" and self.context is not None:
                await say("220 go ahead")
                await writer.start_tls(self.context)
            elif verb == "AUTH":
                given = base64.b64decode(line.split()[-1]).split(b"\0")[1:]
                is_known = given == [self.conduct.user.encode(), self.conduct.password.encode()]
                await say("235 welcome" if is_known else "535 5.7.8 no such user or password")
            elif verb == "MAIL":
                sender, recipients = line.partition(":")[2].split()[0].strip("<>"), []
                await say("250 ok" if is_known else "530 5.7.0 sign in first")
            elif verb == "RCPT":
                recipients.append(line.partition(":")[2].strip().strip("<>"))
                await say(self.conduct.rcpt)
            elif verb == "DATA":
                await say("354 end with a dot")
                body = await reader.readuntil(b"\r\n.\r\n")
                if self.conduct.data.startswith("2"):
                    self._take(sender, recipients, body[:-3])
                await say(self.conduct.data)
            elif verb == "QUIT":
                await say("221 bye")
                return
            else:
                await say("250 ok")

    def _take(self, sender: str, recipients: list[str], body: bytes) -> None:
        plain = body.replace(b"\r\n..", b"\r\n.")
        self.taken.append(cast("EmailMessage", message_from_bytes(plain, policy=policy.SMTP)))
        self.envelopes.append((sender, list(recipients)))


def make_mail_server(
    conduct: Conduct | None = None, *, tls: tuple[Path, Path] | None = None, port: int = 0
) -> MailServer:
    """A server on a free port or on this one; ``tls``: chain and key.

    With them it speaks TLS from the start, or after STARTTLS where the conduct offers it.
    """
    made = MailServer(port or free_port(), conduct or Conduct())
    if tls is not None:
        made.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.context.load_cert_chain(*tls)
        made.tls_from_start = not made.conduct.starttls
    return made
