"""A small HTTPS server that fakes a Kubernetes API for one pod, and the pod's service account."""

import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.serving import Serving
from worker.ops.pod_cost import ANNOTATION, Pod


@dataclass(frozen=True)
class Patch:
    """A PATCH request that the API has received."""

    path: str
    token: str
    content_type: str
    change: dict[str, Any]


class Api:
    """The part of the Kubernetes API that a worker uses: records patches, and replies with `status`."""

    def __init__(self, folder: Path) -> None:
        self.patches: list[Patch] = []
        self.status, self.reply = 200, {"kind": "Pod"}
        self.account = service_account(folder)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.account / "ca.crt", folder / "key.pem")
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._serving = Serving(self._server)

    @property
    def pod(self) -> Pod:
        """A pod that reaches this API."""
        return Pod("worker-ocr-5d8f-x7", "127.0.0.1", self._server.server_port, self.account)

    @property
    def costs(self) -> list[str]:
        """The pod deletion costs in the patches, in order."""
        return [patch.change["metadata"]["annotations"][ANNOTATION] for patch in self.patches]

    def end(self) -> None:
        """Stop serving."""
        self._serving.end()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                token = self.headers["Authorization"].removeprefix("Bearer ")
                api.patches.append(Patch(self.path, token, self.headers["Content-Type"], body))
                reply = json.dumps(api.reply).encode()
                self.send_response(api.status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        return Handler


def service_account(folder: Path) -> Path:
    """A service account's folder, with the certificate that the API has; its key lies beside the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    account = folder / "account"
    account.mkdir()
    (account / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (account / "token").write_text("first\n")
    (account / "namespace").write_text("eva01")
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(pem)
    return account
