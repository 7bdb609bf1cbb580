"""The reverse proxy as deployed: deploy/nginx.conf in a real nginx, before a server that tells what reached it."""

import http.client
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slrt_api.runtime.problem_texts import PROBLEMS
from slrt_api.runtime.tokens import MAX_TOKEN_BYTES

CONFIGURATION = Path(__file__).parents[2] / "deploy/nginx.conf"
HOST = "slrt.test"
NIK = "9901014505880003"
# Debian keeps it where only root looks.
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

# All that some server somewhere believes; the last spelling becomes the first where underscores pass.
HOP_HEADERS = (
    *("Forwarded", "Via", "Proxy", "X-Real-IP", "X-Original-URL", "X-Rewrite-URL", "X-Request-ID"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix"),
    *("X-Forwarded-Server", "X_Forwarded_For"),
)

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: nginx-light)")


@dataclass
class Proxy:
    """A running nginx.

    port     where it listens for TLS
    dead     port of a second one, whose API does not run
    reached  request lines that came through to the API
    log      everything that nginx wrote
    """

    port: int
    dead: int
    reached: list[str]
    log: Path
    certificate: Path

    def connect(self, port: int | None = None, *, name: str = HOST) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = name == HOST
        plain = socket.create_connection(("127.0.0.1", port or self.port), timeout=10)
        try:
            return context.wrap_socket(plain, server_hostname=name)
        except OSError:
            plain.close()
            raise

    def ask(
        self, head: str, body: bytes = b"", *, port: int | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send `head` (request line and headers) and `body` as they are; status, headers and body of the answer."""
        with self.connect(port) as connection:
            connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
            with http.client.HTTPResponse(connection) as answer:
                answer.begin()
                return answer.status, answer.headers, answer.read()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def certify(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls_certificate").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "tls_key").write_bytes(key.private_bytes(serialization.Encoding.PEM, *pem))


def configured(folder: Path, port: int, api_port: int) -> Path:
    """The deployed file with this test's host, ports, paths and one-second client timeouts."""
    text = CONFIGURATION.read_text()
    for old, new in {
        # First: the folder of a test lies below /tmp itself.
        " /tmp/": f" {folder}/{port}-",
        "${SLRT_PUBLIC_HOST}": HOST,
        "listen 8443": f"listen 127.0.0.1:{port}",
        "api:8000": f"127.0.0.1:{api_port}",
        "/run/secrets/": f"{folder}/",
        "/dev/stderr": f"{folder}/log",
        "/dev/stdout": f"{folder}/log",
        "client_header_timeout 10s": "client_header_timeout 1s",
        "client_body_timeout 10s": "client_body_timeout 1s",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / f"{port}.conf"
    path.write_text(text)
    return path


class Api(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that reached it; 404 in its own words below /missing."""

    protocol_version = "HTTP/1.1"
    server_version = "SecretServer/9.9"
    reached: list[str]

    def do_GET(self) -> None:
        self.reached.append(self.requestline)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps([[name.lower(), value] for name, value in self.headers.items()]).encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("X-Powered-By", "SecretServer/9.9")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - as above

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def started(configuration: Path, port: int) -> subprocess.Popen[bytes]:
    assert NGINX is not None
    # Started by root, the workers would be another user's, to whom the test's folder is closed.
    main = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    process = subprocess.Popen([NGINX, "-c", str(configuration), "-g", main], stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None
            time.sleep(0.02)
        else:
            return process
    process.kill()
    process.wait()
    pytest.fail("nginx did not start")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    certify(folder)
    Api.reached = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api) as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        live, dead = free_port(), free_port()
        running = []
        try:
            running.append(started(configured(folder, live, api.server_port), live))
            running.append(started(configured(folder, dead, free_port()), dead))
            yield Proxy(live, dead, Api.reached, folder / "log", folder / "tls_certificate")
        finally:
            for process in running:
                process.terminate()
                process.wait(timeout=10)
            api.shutdown()
            thread.join()


class TestConfiguration:
    def test_nginx_itself_accepts_it_without_a_warning(self, tmp_path: Path) -> None:
        assert NGINX is not None
        certify(tmp_path)
        configuration = configured(tmp_path, free_port(), free_port())
        result = subprocess.run([NGINX, "-t", "-c", str(configuration)], capture_output=True, check=False)
        assert result.returncode == 0, result.stderr
        assert b"[warn]" not in result.stderr

    def test_its_problems_are_those_of_the_catalog(self) -> None:
        bodies = re.findall(r"return (\d+) '(\{.+\})';", CONFIGURATION.read_text())
        assert len(bodies) == 5
        for status, body in bodies:
            said = json.loads(body)
            known = PROBLEMS[said["code"]]
            assert (int(status), said["status"]) == (known.status, known.status)
            assert (said["title"], said["detail"]) == (known.title.id, known.detail.id)
            assert said["type"] == f"/problems/{known.code}"


class TestWhoIsAsked:
    def test_another_name_gets_no_handshake(self, proxy: Proxy) -> None:
        with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
            proxy.connect(name="other.test")

    def test_a_host_that_differs_from_the_certificates_name_is_misdirected(self, proxy: Proxy) -> None:
        status, _, _ = proxy.ask("GET /x HTTP/1.1\nHost: other.test\nConnection: close")
        assert status == 421
        assert not [line for line in proxy.reached if line.startswith("GET /x ")]

    @pytest.mark.parametrize("host", ["SLRT.test", "slrt.test:8443", "slrt.test."])
    def test_the_api_sees_one_spelling_of_the_host(self, proxy: Proxy, host: str) -> None:
        status, _, body = proxy.ask(f"GET / HTTP/1.1\nHost: {host}\nConnection: close")
        assert status == 200
        assert [value for name, value in json.loads(body) if name == "host"] == [HOST]

    def test_two_hosts_are_refused(self, proxy: Proxy) -> None:
        status, headers, _ = proxy.ask(f"GET / HTTP/1.1\nHost: {HOST}\nHost: other.test\nConnection: close")
        assert (status, headers["Content-Type"]) == (400, "application/problem+json")


class TestForwardedHeaders:
    def test_what_a_client_says_about_hops_is_dropped(self, proxy: Proxy) -> None:
        claims = dict.fromkeys(HOP_HEADERS, "203.0.113.7")
        lines = "\n".join(f"{name}: {value}" for name, value in claims.items())
        _, _, body = proxy.ask(f"GET / HTTP/1.1\nHost: {HOST}\nConnection: close\nUpgrade: websocket\n{lines}")
        assert "203.0.113.7" not in body.decode()
        seen: dict[str, str] = dict(json.loads(body))
        assert set(seen) == {"host", "x-forwarded-for", "x-forwarded-proto", "x-request-id"}
        assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == ("127.0.0.1", "https")

    def test_what_the_contract_needs_passes(self, proxy: Proxy) -> None:
        sent = {
            "authorization": "Bearer t",
            "acting-role": "puskesos_officer",
            "idempotency-key": '"k"',
            "if-match": '"1"',
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "accept-language": "en",
        }
        lines = "\n".join(f"{name}: {value}" for name, value in sent.items())
        _, _, body = proxy.ask(f"GET / HTTP/1.1\nHost: {HOST}\nConnection: close\n{lines}")
        assert dict(json.loads(body)).items() >= sent.items()


class TestSizes:
    def test_a_body_of_a_mebibyte_passes(self, proxy: Proxy) -> None:
        size = 1_048_576
        head = f"POST /fits HTTP/1.1\nHost: {HOST}\nConnection: close\nContent-Length: {size}"
        assert proxy.ask(head, b"x" * size)[0] == 200

    def test_a_larger_one_is_refused_in_the_apis_form(self, proxy: Proxy) -> None:
        head = f"POST /larger HTTP/1.1\nHost: {HOST}\nConnection: close\nContent-Length: 1048577"
        status, headers, body = proxy.ask(head)
        assert (status, headers["Content-Type"]) == (413, "application/problem+json")
        assert json.loads(body)["code"] == "payload_too_large"
        assert not [line for line in proxy.reached if "/larger" in line]

    def test_the_longest_token_that_the_api_takes_reaches_it(self, proxy: Proxy) -> None:
        authorization = "Bearer " + "x" * MAX_TOKEN_BYTES
        status, _, body = proxy.ask(f"GET / HTTP/1.1\nHost: {HOST}\nConnection: close\nAuthorization: {authorization}")
        assert (status, dict(json.loads(body))["authorization"]) == (200, authorization)

    def test_headers_beyond_nine_kibibytes_are_refused(self, proxy: Proxy) -> None:
        status, headers, body = proxy.ask(f"GET / HTTP/1.1\nHost: {HOST}\nConnection: close\nX-Long: {'x' * 9300}")
        assert (status, headers["Content-Type"]) == (400, "application/problem+json")
        assert json.loads(body)["code"] == "bad_request"


class TestSlowClients:
    @pytest.mark.parametrize(
        "start",
        [
            f"GET /slow HTTP/1.1\r\nHost: {HOST}\r\n",
            f"POST /slow HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 10\r\n\r\nhalf",
        ],
        ids=["headers", "body"],
    )
    def test_an_unfinished_request_is_cut_off_and_never_reaches_the_api(self, proxy: Proxy, start: str) -> None:
        with proxy.connect() as connection:
            begun = time.monotonic()
            connection.sendall(start.encode())
            try:
                answer = b"".join(iter(lambda: connection.recv(65_536), b""))
            except (ConnectionResetError, ssl.SSLEOFError):
                answer = b""
            waited = time.monotonic() - begun
        # One second is this test's client timeout; ten is when the socket itself would give up.
        assert 0.9 <= waited < 8
        assert b"200" not in answer.split(b"\r\n")[0]
        assert not [line for line in proxy.reached if "/slow" in line]


class TestAnswers:
    def test_the_apis_own_refusals_pass_untouched(self, proxy: Proxy) -> None:
        status, _, body = proxy.ask(f"GET /missing HTTP/1.1\nHost: {HOST}\nConnection: close")
        assert status == 404
        assert ["host", HOST] in json.loads(body)

    def test_readiness_is_not_shown_outside(self, proxy: Proxy) -> None:
        status, headers, body = proxy.ask(f"GET /health/ready HTTP/1.1\nHost: {HOST}\nConnection: close")
        assert (status, headers["Content-Type"]) == (404, "application/problem+json")
        assert json.loads(body)["code"] == "not_found"
        assert not [line for line in proxy.reached if "/health/ready" in line]

    def test_an_api_that_does_not_run_is_unavailable_with_a_time_to_come_back(self, proxy: Proxy) -> None:
        status, headers, body = proxy.ask(f"GET / HTTP/1.1\nHost: {HOST}\nConnection: close", port=proxy.dead)
        assert (status, headers["Content-Type"]) == (503, "application/problem+json")
        assert headers["Retry-After"] == "5"
        assert json.loads(body)["code"] == "unavailable"

    def test_no_answer_names_a_version_of_what_runs(self, proxy: Proxy) -> None:
        for path, port in (("/", None), ("/missing", None), ("/health/ready", None), ("/", proxy.dead)):
            _, headers, body = proxy.ask(f"GET {path} HTTP/1.1\nHost: {HOST}\nConnection: close", port=port)
            assert headers.get_all("Server") == ["nginx"]
            assert "X-Powered-By" not in headers
            assert b"nginx" not in body
            assert headers["Strict-Transport-Security"] == "max-age=31536000"


class TestLog:
    def test_it_counts_requests_and_keeps_nothing_that_a_client_wrote(self, proxy: Proxy) -> None:
        before = len(proxy.log.read_text().splitlines())
        for port in (None, proxy.dead):
            head = f"GET /{NIK}?nik={NIK} HTTP/1.1\nHost: {HOST}\nConnection: close\nReferer: {NIK}\nUser-Agent: {NIK}"
            proxy.ask(head, port=port)
        text = self.grown(proxy.log, before + 2)
        assert NIK not in text
        entries = [json.loads(line) for line in text.splitlines()[-2:]]
        assert sorted(entry["status"] for entry in entries) == [200, 503]
        assert {entry["client_network"] for entry in entries} == {"127.0.0.0"}

    @staticmethod
    def grown(log: Path, lines: int) -> str:
        """The log's text once it has `lines` lines: nginx writes a line after the answer has left."""
        deadline = time.monotonic() + 5
        while len((text := log.read_text()).splitlines()) < lines:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return text
