"""What is shipped: the image, the wheel inside it, the compose file, the secrets and the collector's pipeline."""

import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest
import yaml
from compose_spec import PyCompose

from slrt_api.runtime.crypto import Keyring
from slrt_api.runtime.embedded import EmbeddedPostgres
from slrt_api.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose.yaml"
OWN_SERVICES = ("roles", "migrate", "api", "worker")
# A parsed YAML tree: its shape is what these tests are about.
Tree: TypeAlias = dict[str, Any]


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """(instruction, arguments) in order; comments dropped, continued lines joined."""
    lines = "\n".join(line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    logical = [line.split(maxsplit=1) for line in lines.replace("\\\n", " ").splitlines() if line.strip()]
    return [(name.upper(), " ".join(rest.split())) for name, rest in logical]


DOCKERFILE = instructions((ROOT / "Dockerfile").read_text())
RUNTIME = DOCKERFILE[max(i for i, (name, _) in enumerate(DOCKERFILE) if name == "FROM") :]


def argument(name: str) -> str:
    """Arguments of the one `name` of the runtime stage."""
    [found] = [rest for each, rest in RUNTIME if each == name]
    return found


def copied_from_context() -> list[str]:
    """Paths of the clone that the build stage copies."""
    copies = [shlex.split(rest) for name, rest in DOCKERFILE if name == "COPY"]
    return [source.rstrip("/") for words in copies if not words[0].startswith("--from") for source in words[:-1]]


def locked(requirements: str) -> dict[str, list[str]]:
    """Pinned `name==version` > its hashes."""
    pins: dict[str, list[str]] = {}
    for line in (ROOT / "requirements" / requirements).read_text().splitlines():
        if pin := re.match(r"[a-z0-9][\w.-]*(\[[\w,]+\])?==[^ ;]+", line):
            pins[current := pin[0]] = []
        pins[current].extend(re.findall(r"--hash=sha256:[0-9a-f]{64}", line))
    return pins


@contextmanager
def answering(status: int) -> Iterator[int]:
    """An HTTP server that answers every GET with `status`; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def health_check(port: int) -> int:
    """Exit code of the image's own health check, asked of `port`."""
    command: list[str] = json.loads(argument("HEALTHCHECK").split("CMD", 1)[1])
    assert command[0] == "python"
    assert ":8000/health/live" in command[-1]
    code = [part.replace(":8000/", f":{port}/") for part in command[1:]]
    return subprocess.run([sys.executable, *code], capture_output=True, check=False).returncode


class TestDockerfile:
    def test_it_runs_as_a_numbered_user_that_is_not_root(self) -> None:
        assert argument("USER") == "10001:10001"
        order = [name for name, _ in RUNTIME]
        assert not {"RUN", "COPY", "ADD"} & set(order[order.index("USER") :])

    def test_every_stage_starts_from_one_tagged_base(self) -> None:
        [base] = [rest for name, rest in DOCKERFILE if name == "ARG" and rest.startswith("PYTHON_IMAGE=")]
        assert base == "PYTHON_IMAGE=python:3.11-slim-bookworm"
        assert {rest.split()[0] for name, rest in DOCKERFILE if name == "FROM"} == {"${PYTHON_IMAGE}"}

    def test_it_carries_no_secret_and_refuses_development(self) -> None:
        declared = " ".join(rest for name, rest in DOCKERFILE if name in {"ARG", "ENV"})
        assert not re.search(r"(?i)(secret|password|token|_keys?|_url)\w*=", declared)
        assert "SLRT_ENV=production" in argument("ENV")

    def test_everything_installed_is_a_wheel_pinned_by_hash(self) -> None:
        runs = [command for name, rest in DOCKERFILE if name == "RUN" for command in rest.split("&&")]
        installs = [command for command in runs if re.search(r"\bpip\b.* install ", command)]
        assert len(installs) == 3
        for command in installs:
            from_lock = "--require-hashes" in command and "--only-binary :all:" in command
            assert from_lock or "--no-deps --no-index dist/*.whl" in command

    @pytest.mark.parametrize("requirements", ["runtime.txt", "build.txt"])
    def test_the_locks_pin_every_package_with_hashes_and_hold_no_postgresql(self, requirements: str) -> None:
        pins = locked(requirements)
        assert pins
        assert all(pins.values())
        assert not [pin for pin in pins if "postgres" in pin]
        assert set(pins) <= set(locked("development.txt"))

    def test_the_build_context_holds_what_is_copied_and_nothing_else(self) -> None:
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        rules = [line for line in lines if line and not line.startswith("#")]
        assert rules[0] == "*"
        assert {rule[1:].rstrip("/") for rule in rules if rule.startswith("!")} == set(copied_from_context())

    def test_the_health_check_passes_when_the_service_answers(self) -> None:
        with answering(200) as port:
            assert health_check(port) == 0

    def test_the_health_check_fails_on_an_error_and_without_a_server(self) -> None:
        with answering(503) as port:
            assert health_check(port) != 0
        assert health_check(port) != 0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel as the image builds it: the same command over the files that the Dockerfile copies, and no others."""
    context = tmp_path_factory.mktemp("context")
    for source in copied_from_context():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, context / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (context / source).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / source, context / source)
    [build] = re.findall(r"python -m (hatchling build [^&]+)", " && ".join(rest for _, rest in DOCKERFILE))
    subprocess.run([sys.executable, "-m", *shlex.split(build)], cwd=context, check=True, capture_output=True)
    [path] = (context / "dist").glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def files(folder: Path) -> set[str]:
    paths = {path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    return {str(path.relative_to(folder)) for path in paths}


class TestWheel:
    def test_it_holds_the_package_its_data_the_migrations_and_the_type_marker(self, wheel: zipfile.ZipFile) -> None:
        package = {f"slrt_api/{name}" for name in files(ROOT / "src/slrt_api")}
        migrations = {f"slrt_api/_migrations/{name}" for name in files(ROOT / "migrations")}
        shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
        assert shipped == package | migrations
        assert shipped > {
            "slrt_api/py.typed",
            "slrt_api/areas/data/wilayah.csv.gz",
            "slrt_api/_migrations/env.py",
            "slrt_api/_migrations/script.py.mako",
        }

    def test_it_carries_the_licenses_and_the_command(self, wheel: zipfile.ZipFile) -> None:
        [information] = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
        licenses = {name for name in wheel.namelist() if name.startswith(f"{information}/licenses/")}
        assert {Path(name).name for name in licenses} == {"LICENSE", "NOTICE.md"}
        assert "slrt-api = slrt_api.cli:main" in wheel.read(f"{information}/entry_points.txt").decode()
        assert json.loads(argument("ENTRYPOINT")) == ["slrt-api"]


def interpolated(value: Any, environment: dict[str, str]) -> Any:
    """What Compose makes of `${NAME:-default}` and `${NAME:?message}`: strings in the parsed tree, after YAML."""

    def filled(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        return environment.get(name) or (rest if operator == "-" else environment[name])

    match value:
        case str():
            return re.sub(r"(?<!\$)\$\{(\w+):([-?])([^}]*)\}", filled, value)
        case dict():
            return {key: interpolated(each, environment) for key, each in value.items()}
        case list():
            return [interpolated(each, environment) for each in value]
        case _:
            return value


def example() -> dict[str, str]:
    lines = (ROOT / "deploy/.env.example").read_text().splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {name: value for name, _, value in pairs}


@pytest.fixture(scope="module")
def compose() -> Tree:
    """The compose file with the values of .env.example filled in, merges resolved."""
    tree: Tree = interpolated(yaml.safe_load(COMPOSE.read_text()), example())
    return tree


@pytest.fixture(scope="module")
def services(compose: Tree) -> dict[str, Tree]:
    found: dict[str, Tree] = compose["services"]
    return found


class TestCompose:
    def test_it_is_valid_by_the_compose_specification(self, compose: Tree) -> None:
        parsed = PyCompose.from_yaml(yaml.safe_dump(compose))
        assert set(parsed.service_names()) == {"db", "roles", "migrate", "api", "worker", "collector", "proxy"}

    def test_every_variable_has_a_default_or_a_message_and_stands_in_the_example(self) -> None:
        text = re.sub(r"(?m)^\s*#.*$", "", COMPOSE.read_text())
        used = re.findall(r"(?<!\$)\$\{(\w+)([^}]*)\}", text)
        assert all(rest.startswith((":-", ":?")) for _, rest in used)
        assert {name for name, _ in used} == set(example())

    def test_every_service_is_hardened_and_limited(self, services: dict[str, Tree]) -> None:
        for name, service in services.items():
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(service), name
            assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
            assert service["restart"] == ("no" if name in {"roles", "migrate"} else "unless-stopped"), name
            assert "healthcheck" in service, name
            assert re.search(r":[\w.-]+$", service["image"]), name
            assert not service["image"].endswith(":latest"), name
            # The project's own image brings its user (TestDockerfile).
            assert name in OWN_SERVICES or re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", service["user"]), name

    def test_only_the_proxy_is_published_and_the_database_is_out_of_its_reach(
        self, compose: Tree, services: dict[str, Tree]
    ) -> None:
        on = {name: set(service["networks"]) for name, service in services.items()}
        assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
        assert on["db"] == {"data"}
        assert not on["proxy"] & on["db"]
        assert {name for name, joined in on.items() if "edge" in joined} == {"proxy", "api"}
        # What holds personal data and keys has no way out: every network of these services is internal.
        for name in ("db", *OWN_SERVICES):
            assert all(compose["networks"][network].get("internal") is True for network in on[name]), name

    def test_the_api_believes_the_forwarded_headers_of_the_proxys_network_only(
        self, compose: Tree, services: dict[str, Tree]
    ) -> None:
        [pool] = compose["networks"]["edge"]["ipam"]["config"]
        assert services["api"]["environment"]["FORWARDED_ALLOW_IPS"] == pool["subnet"]

    def test_each_step_waits_for_the_one_before(self, services: dict[str, Tree]) -> None:
        waits = {
            (name, other): wait["condition"]
            for name, service in services.items()
            for other, wait in service.get("depends_on", {}).items()
        }
        assert waits == {
            ("roles", "db"): "service_healthy",
            ("migrate", "roles"): "service_completed_successfully",
            ("api", "migrate"): "service_completed_successfully",
            ("api", "collector"): "service_started",
            ("worker", "migrate"): "service_completed_successfully",
            ("worker", "collector"): "service_started",
            ("proxy", "api"): "service_healthy",
        }

    def test_each_service_is_handed_the_secrets_it_needs_and_no_others(self, services: dict[str, Tree]) -> None:
        serving = {"slrt_database_url", "slrt_encryption_keys", "slrt_index_key", "slrt_sealed_keys"}
        assert {name: set(service.get("secrets", [])) for name, service in services.items()} == {
            "db": {"postgres_password"},
            "roles": {"slrt_admin_database_url", "slrt_migration_database_url", "slrt_database_url"},
            "migrate": {"slrt_migration_database_url"},
            "api": serving,
            "worker": serving,
            "collector": set(),
            "proxy": {"tls_certificate", "tls_key"},
        }
        given = {name for service in services.values() for name in service.get("environment", {})}
        assert not [name for name in given if re.search(r"KEY|SECRET|PASSWORD$|DATABASE_URL", name)]

    def test_every_setting_it_sets_exists(self, services: dict[str, Tree]) -> None:
        for name in OWN_SERVICES:
            given = {*services[name]["environment"], *(secret.upper() for secret in services[name]["secrets"])}
            settings = {each.removeprefix("SLRT_").lower() for each in given if each.startswith("SLRT_")}
            assert settings <= set(Settings.model_fields), name

    async def test_errors_leave_nothing_in_the_log_of_the_database(
        self, services: dict[str, Tree], postgres: EmbeddedPostgres
    ) -> None:
        options = [option.split("=") for option in services["db"]["command"] if option.startswith("log_")]
        deployed = dict(options)
        usual = {"log_min_messages": "warning", "log_min_error_statement": "error", "log_error_verbosity": "default"}
        connection = await asyncpg.connect(postgres.superuser_url)
        try:
            for settings, value in ((usual, "told as usual"), (deployed, "told as deployed")):
                for name, level in settings.items():
                    await connection.execute(f"SET {name} = '{level}'")
                with pytest.raises(asyncpg.InvalidTextRepresentationError):
                    await connection.fetch(f"SELECT 'x{value}'::integer")
                with pytest.raises(asyncpg.UniqueViolationError):
                    await connection.execute(
                        f"CREATE TEMP TABLE t ON COMMIT DROP AS SELECT '{value}' AS nik;"
                        f"CREATE UNIQUE INDEX ON t (nik); INSERT INTO t VALUES ('{value}')"
                    )
        finally:
            await connection.close()
        log = postgres.log_file.read_text()
        # The first value shows that the test would see a leak.
        assert "told as usual" in log
        assert "told as deployed" not in log


def generate(folder: Path, *options: str) -> None:
    script = ROOT / "deploy/generate_secrets.py"
    subprocess.run([sys.executable, str(script), str(folder), *options], check=True, capture_output=True)


def generated_keyring(folder: Path) -> Keyring:
    values = {name: (folder / f"slrt_{name}").read_text() for name in ("encryption_keys", "index_key", "sealed_keys")}
    return Keyring.from_settings(Settings.model_validate(values), None)


class TestSecrets:
    def test_a_production_service_starts_from_the_generated_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, services: dict[str, Tree]
    ) -> None:
        generate(tmp_path / "secrets")
        for name in [name for name in os.environ if name.startswith("SLRT_")]:
            monkeypatch.delenv(name)
        for name, value in services["api"]["environment"].items():
            monkeypatch.setenv(name, value)
        settings = Settings(_secrets_dir=tmp_path / "secrets")
        assert settings.production
        assert settings.issuers[0].jwks_file == Path("/jwks.json")
        assert settings.database_url is not None
        assert settings.database_url.startswith("postgresql://slrt_api:")
        assert settings.database_url not in repr(settings)
        keyring = Keyring.from_settings(settings, None)
        assert keyring.decrypt(keyring.encrypt("value", b"row"), b"row") == b"value"

    def test_a_second_run_changes_nothing(self, tmp_path: Path) -> None:
        generate(tmp_path)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        generate(tmp_path)
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_a_lost_url_is_made_again_with_the_administrators_own_password(self, tmp_path: Path) -> None:
        generate(tmp_path)
        url = (tmp_path / "slrt_admin_database_url").read_bytes()
        (tmp_path / "slrt_admin_database_url").unlink()
        generate(tmp_path)
        assert (tmp_path / "slrt_admin_database_url").read_bytes() == url

    def test_a_new_key_is_appended_and_old_values_stay_readable(self, tmp_path: Path) -> None:
        generate(tmp_path)
        old = generated_keyring(tmp_path).encrypt("value", b"row")
        generate(tmp_path, "--add-key")
        keys: dict[str, str] = json.loads((tmp_path / "slrt_encryption_keys").read_text())
        assert len(set(keys.values())) == 2
        assert generated_keyring(tmp_path).decrypt(old, b"row") == b"value"

    def test_a_new_key_of_sealed_reports_is_appended_to_their_ring_alone(self, tmp_path: Path) -> None:
        generate(tmp_path)
        before = generated_keyring(tmp_path)
        old = before.sealed.encrypt("value", b"row")
        generate(tmp_path, "--add-sealed-key")
        after = generated_keyring(tmp_path)
        assert (len(before.sealed.key_ids), len(after.sealed.key_ids)) == (1, 2)
        assert after.encryption_key_ids == before.encryption_key_ids
        assert after.sealed.decrypt(old, b"row") == b"value"

    def test_the_folder_is_its_owners_and_never_committed(self, tmp_path: Path) -> None:
        generate(tmp_path / "secrets")
        assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
        assert {"deploy/secrets/", "deploy/.env"} <= set((ROOT / ".gitignore").read_text().splitlines())


class TestCollector:
    def test_its_pipeline_is_whole_and_limits_first(self, services: dict[str, Tree]) -> None:
        service = services["collector"]
        chosen = service["environment"]["SLRT_TRACE_EXPORTER"]
        text = (ROOT / "deploy/otel-collector.yaml").read_text().replace("${env:SLRT_TRACE_EXPORTER}", chosen)
        config: Tree = yaml.safe_load(text)
        for pipeline in config["service"]["pipelines"].values():
            assert all(set(pipeline[kind]) <= set(config[kind]) for kind in ("receivers", "processors", "exporters"))
            assert pipeline["processors"][0] == "memory_limiter"
        assert service["deploy"]["resources"]["limits"]["memory"] == "256m"
        assert config["processors"]["memory_limiter"]["limit_mib"] < 256

    def test_the_api_sends_where_it_listens(self, services: dict[str, Tree]) -> None:
        config: Tree = yaml.safe_load((ROOT / "deploy/otel-collector.yaml").read_text())
        port = config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
        for name in ("api", "worker"):
            assert services[name]["environment"]["SLRT_OTLP_ENDPOINT"].startswith(f"http://collector:{port}")
            assert set(services[name]["networks"]) & set(services["collector"]["networks"]) == {"telemetry"}
