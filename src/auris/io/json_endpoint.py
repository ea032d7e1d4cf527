"""Requests to services that take and give JSON, such as OpenAI-compatible ones: with a key, patience and no redirects."""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, NoReturn

from auris.errors import AurisError, ParameterError

_LONGEST_PAUSE = 30.0  # seconds
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class EndpointError(AurisError):
    """A service gave no answer, or one that cannot be read; another time it may."""


class JsonEndpoint:
    """One address of a service."""

    def __init__(
        self,
        url: str,
        *,
        key_variable: str = "OPENAI_API_KEY",
        timeout: float = 60.0,
        tries: int = 4,
        most_bytes: int = 1 << 26,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Say where it is.

        Args:
            url: its address.
            key_variable: environment variable that holds the key; no key is sent where it is not set.
            timeout: seconds for one answer.
            tries: requests before it counts as unanswered; the pauses between them double, from half a second.
            most_bytes: of an answer.
            sleep: waits.

        Raises:
            ParameterError: the address is none.
        """
        if not url.startswith(("http://", "https://")):
            raise ParameterError(f"an endpoint begins with http:// or https://, got {url!r}")
        self.url = url
        self._key_variable, self._timeout, self._tries = key_variable, timeout, max(tries, 1)
        self._most_bytes, self._sleep = most_bytes, sleep
        self._opener = urllib.request.build_opener(_NoRedirects)

    def posted(self, document: Any) -> Any:
        """Send a document and return the one that comes back.

        Raises:
            EndpointError: no answer after all tries, or none that is JSON.
            ParameterError: the service refuses: wrong key, address or request.
        """
        body, reason = json.dumps(document).encode(), ""
        for number in range(self._tries):
            pause: float | None = None
            try:
                return self._answer(body)
            except urllib.error.HTTPError as error:
                pause = _retry_after(error)
                with error:
                    if error.code not in _PASSING:
                        self._refused(error)
                reason = f"status {error.code}"
            except (OSError, http.client.HTTPException) as error:  # refused, unreachable, timed out, cut short
                reason = type(error).__name__
            if number + 1 < self._tries:
                self._sleep(min(pause if pause is not None else 0.5 * 2.0**number, _LONGEST_PAUSE))
        raise EndpointError(f"{self.url} gave no answer in {self._tries} tries ({reason})")

    def _answer(self, body: bytes) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := os.environ.get(self._key_variable, ""):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self.url, data=body, headers=headers, method="POST")
        with self._opener.open(request, timeout=self._timeout) as response:
            content = response.read(self._most_bytes)
        try:
            return json.loads(content)
        except ValueError:
            raise EndpointError(f"{self.url} answers with something else than JSON") from None

    def _refused(self, error: urllib.error.HTTPError) -> NoReturn:
        hint = {
            401: f"set the key in ${self._key_variable}",
            403: f"the key in ${self._key_variable} is not allowed to",
        }.get(error.code, "check the address and the name of the model")
        raise ParameterError(f"{self.url} refuses the request with status {error.code}; {hint}") from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the key must not go to another host."""

    def redirect_request(self, *_: Any) -> None:
        """Return no request, so that the redirect is an error."""


def _retry_after(error: urllib.error.HTTPError) -> float | None:
    try:
        return max(float(error.headers.get("Retry-After", "")), 0.0)
    except ValueError:
        return None
