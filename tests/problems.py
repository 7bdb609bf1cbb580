"""What every refusal of the API keeps, checked in one place."""

import re

import httpx

from slrt_api.runtime.problem_texts import PROBLEMS

#: put into hostile requests; must never come back
MARKER = "Zulaikha Penanda 9901017777880009"
_MARKS = re.compile("Zulaikha|Penanda|9901017777880009")
_TRACE = re.compile("[0-9a-f]{32}")


def problem(answer: httpx.Response, status: int, code: str, *, fault: tuple[str, str] | None = None) -> None:
    """Assert that `answer` is the problem `code`, told as the contract wants it.

    fault  (pointer, code) of one of its `errors`
    """
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get_list("cache-control") == ["no-store"]
    told = answer.json()
    assert sorted(told) == ["code", "detail", "errors", "status", "title", "trace_id", "type"]
    assert (told["code"], told["status"], told["type"]) == (code, status, f"/problems/{code}")
    assert PROBLEMS[code].status == status
    assert _TRACE.fullmatch(told["trace_id"])
    assert set(told["trace_id"]) != {"0"}
    for each in told["errors"]:
        assert sorted(each) == ["code", "detail", "pointer"]
        assert each["code"] in PROBLEMS, each
    if fault is not None:
        assert fault in [(each["pointer"], each["code"]) for each in told["errors"]], told["errors"]
    echoed = answer.text + "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    assert not _MARKS.search(echoed), "the answer repeats what was sent"
