"""A real OpenID Connect provider as a process, at which everybody signs in who says a name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from jobs.contract.settings import WebSettings
from tests import plain
from tests.processes import Process, free_port, python


@dataclass
class OpenIdProvider:
    """oidc-provider-mock, which issues real codes and signed tokens; it has no passwords."""

    process: Process
    url: str

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start one and wait until it answers."""
        port = free_port()
        command = python("oidc_provider_mock", "--port", str(port), "--host", "127.0.0.1")
        process = Process.start("provider", command, {}, folder)
        process.wait_until_ready(f"http://localhost:{port}/.well-known/openid-configuration")
        return cls(process, f"http://localhost:{port}")

    def know(self, sub: str, **claims: Any) -> None:
        """Let it say this of a person from now on."""
        plain.put(f"{self.url}/users/{sub}", json=claims).raise_for_status()

    def sign_in(self, address: str, sub: str, action: str = "") -> str:
        """What a browser does there: say who it is; gives the address to which it is sent back."""
        data = {"action": action} if action else {"sub": sub}
        response = plain.post(address, data=data)
        assert response.status_code == 302, response.text
        return response.headers["Location"]

    @property
    def env(self) -> dict[str, str]:
        """The settings of a web that knows this provider."""
        return {
            "EVA01_OIDC_ISSUER": self.url,
            "EVA01_OIDC_CLIENT_ID": "eva01",
            "EVA01_OIDC_CLIENT_SECRET": "a secret of the tests",
            "EVA01_OIDC_ALLOWED": "painters,printers,@example.org",
            "EVA01_OIDC_ADMIN_GROUPS": "printers",
            "EVA01_OIDC_READ_ONLY_GROUPS": "visitors",
            "EVA01_OIDC_TEAM_GROUPS": "painters",
        }

    def web_settings(self, **more: Any) -> WebSettings:
        """The same as settings."""
        fields = {name.removeprefix("EVA01_").lower(): value for name, value in self.env.items()}
        return WebSettings(**{"models": ("nano", "ocr"), **fields, **more})

    def end(self) -> None:
        """End the process."""
        self.process.end()
