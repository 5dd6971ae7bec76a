"""capd.toml: found, read with all mistakes at once, secrets kept shut."""

import tomllib
from pathlib import Path

import pytest

from capd.config import Config, find, load, secret
from capd.errors import ConfigError
from capd.model import Secret


def write(folder: Path, text: str) -> Path:
    path = folder / "capd.toml"
    path.write_text(text)
    return path


def test_every_mistake_in_the_file_is_told_at_once(tmp_path):
    path = write(
        tmp_path,
        """
        source = "x"
        [operator]
        timezone = "Europe/Londn"
        currency = "gbp"
        [store]
        url = "postgres://u:hunter2@h/db"
        [collect.snmp]
        intervall_s = 3
        interval_s = "300"
        [collect.mqtt]
        url = "mqt://u:hunter2@h"
        [decid]
        [notify.email]
        smtp = "smtp://127.0.0.1:99999"
        from = "a@b.c\\nBcc: d@e.f"
        password = 5
        [notify.webhook]
        url = "ftp://h"
        [api]
        listen = "localhost"
        """,
    )
    with pytest.raises(ConfigError) as told:
        load(path)
    keys = [line.removeprefix(f"{path}: ").partition(":")[0] for line in told.value.problems]
    assert keys == [
        "operator.timezone", "operator.currency", "store.url", "collect.snmp.interval_s",
        "collect.snmp.intervall_s", "collect.mqtt.url", "notify.email.smtp", "notify.email.from",
        "notify.email.password", "notify.webhook.url", "api.listen", "source", "decid",
    ]  # fmt: skip
    text = str(told.value)
    assert "Did you mean 'Europe/London'?" in text
    assert "Did you mean 'postgresql'?" in text
    assert "unknown key. Did you mean 'decide'?" in text
    assert "hunter2" not in text


def test_paths_are_taken_from_the_files_folder(tmp_path):
    config = load(write(tmp_path, 'device_profiles = "mine"\n[store]\nurl = "sqlite:///a/b.db"\n'))
    assert config.store.url == f"sqlite:///{tmp_path}/a/b.db"
    assert config.decide.policy == f"{tmp_path}/policy.toml"
    assert config.device_profiles == f"{tmp_path}/mine"
    assert config.source == f"{tmp_path}/capd.toml"


def test_a_path_that_is_whole_already_stays(tmp_path):
    config = load(write(tmp_path, '[store]\nurl = "sqlite:////var/lib/capd.db"\n'))
    assert config.store.url == "sqlite:////var/lib/capd.db"


def test_a_config_never_shows_a_secret(tmp_path):
    config = load(
        write(
            tmp_path,
            """
            [store]
            url = "postgresql://u:hunter2@h/db"
            [collect.mqtt]
            url = "mqtts://user:hunter2%40@broker:8883"
            [notify.webhook]
            url = "https://example.net/hunter2"
            secret = "hunter2"
            """,
        )
    )
    assert "hunter2" not in repr(config) + str(config) + f"{config.notify}"
    assert config.collect.mqtt.url == "mqtts://broker:8883"
    assert config.collect.mqtt.username == "user"
    assert config.collect.mqtt.password == Secret("hunter2@")
    assert secret(config.notify.webhook.secret or "").reveal() == "hunter2"


def test_secrets_are_looked_up_when_they_are_used(tmp_path, monkeypatch):
    monkeypatch.setenv("CAPD_TEST_SECRET", "hunter2")
    (tmp_path / "hook").write_text("hunter3\n")
    config = load(
        write(
            tmp_path,
            '[notify.webhook]\nsecret = "file:hook"\n'
            '[collect.mqtt]\npassword = "env:CAPD_TEST_SECRET"\n',
        )
    )
    assert secret(config.notify.webhook.secret or "").reveal() == "hunter3"
    assert secret(config.collect.mqtt.password or "").reveal() == "hunter2"
    (tmp_path / "policy.toml").touch()
    assert config.problems() == []


def test_what_is_not_there_is_one_line_each(tmp_path, monkeypatch):
    monkeypatch.delenv("CAPD_TEST_SECRET", raising=False)
    config = load(
        write(
            tmp_path,
            'device_profiles = "none"\n[notify.webhook]\nsecret = "file:gone"\n'
            '[collect.mqtt]\npassword = "env:CAPD_TEST_SECRET"\n',
        )
    )
    where = f"{tmp_path}/capd.toml"
    assert config.problems() == [
        f"{where}: collect.mqtt.password: CAPD_TEST_SECRET is not set in the environment",
        f"{where}: notify.webhook.secret: {tmp_path}/gone: no such file",
        f"{where}: decide.policy: no such file: {tmp_path}/policy.toml",
        f"{where}: device_profiles: no such folder: {tmp_path}/none",
    ]


def test_the_database_may_be_named_in_the_environment(tmp_path, monkeypatch):
    path = write(tmp_path, '[store]\nurl = "env:CAPD_TEST_DB"\n')
    monkeypatch.setenv("CAPD_TEST_DB", "postgresql://u:p@h/db")
    assert load(path).store.url == "postgresql://u:p@h/db"
    monkeypatch.delenv("CAPD_TEST_DB")
    with pytest.raises(ConfigError, match=r"store\.url: CAPD_TEST_DB is not set"):
        load(path)


def test_the_file_is_looked_for_in_its_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPD_CONFIG", raising=False)
    with pytest.raises(ConfigError, match="capd init"):
        find(None)
    write(tmp_path, "")
    assert find(None) == Path("capd.toml")
    monkeypatch.setenv("CAPD_CONFIG", "/else/where.toml")
    assert find(None) == Path("/else/where.toml")
    assert find(Path("x.toml")) == Path("x.toml")
    with pytest.raises(ConfigError, match=r"^x\.toml: no such file; `capd init` writes one$"):
        load(Path("x.toml"))


def test_an_empty_listen_is_nowhere(tmp_path):
    assert load(write(tmp_path, '[api]\nlisten = ""\n')).api.listen is None


def test_mail_needs_a_sender(tmp_path):
    with pytest.raises(ConfigError, match=r"notify\.email: from is missing"):
        load(write(tmp_path, '[notify.email]\nsmtp = "smtp://h"\n'))


def test_the_contracts_example_is_accepted(tmp_path):
    text = """
    [operator]
    name = "Example Wireless"
    timezone = "Europe/London"
    currency = "GBP"
    [store]
    url = "sqlite:///capd.db"
    [collect.snmp]
    interval_s = 300
    timeout_s = 2.0
    retries = 1
    at_once = 500
    [collect.mqtt]
    url = "mqtt://127.0.0.1:1883"
    [decide]
    policy = "policy.toml"
    paused = false
    most_suspensions = 20
    [enforce]
    at_once = 20
    timeout_s = 30
    [notify.email]
    smtp = "smtp://127.0.0.1:25"
    from = "support@example.net"
    [notify.webhook]
    url = "http://127.0.0.1:9000/hook"
    secret = "file:/run/secrets/hook"
    [api]
    listen = "127.0.0.1:8080"
    """
    config = load(write(tmp_path, text))
    told = tomllib.loads(text)
    assert isinstance(config, Config)
    assert config.collect.snmp.interval_s == told["collect"]["snmp"]["interval_s"]
    assert config.notify.email.from_ == "support@example.net"


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ('share = "a"\nclean_session = false', "exclude each other"),
        ('share = "a/b"', "the name of a group"),
        ("session_expiry_s = 5", "session_expiry_s"),
    ],
)
def test_a_session_that_cannot_work_is_refused(tmp_path, lines, why):
    with pytest.raises(ConfigError, match=why):
        load(write(tmp_path, f"[collect.mqtt]\n{lines}\n"))
