"""Takes names, ids and secrets out of what was on the wire, and leaves its form: what is not known to be harmless goes.

`recording` hands in paths, bodies and headers of exchanges. Every word that is not of the vendors' own vocabulary, a
number, a date, a version or a region gets a pseudonym, the same one everywhere, so that what refers to each other still
does. It is a list of what may stay, not of what must go: a secret in a place that nobody thought of goes as well.
"""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape, unescape
from typing import Any, Final
from urllib.parse import parse_qsl, unquote


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


VOCABULARY: Final = _words(
    "http https v1 v3 global compute arn azure gcp aws aws-cn aws-us-gov aws-eusc eks sts iam autoscaling",
    "user role assumed-role cluster clusters nodegroup node-groups update-config updates",
    "autoscalinggroup autoscalinggroupname",
    "subscriptions resourcegroups providers microsoft.containerservice microsoft.authorization microsoft.compute",
    "managedclusters agentpools machines permissions locations operations operationresults virtualmachinescalesets",
    "projects zones regions nodepools instancegroupmanagers instancegroups instancetemplates aggregated",
    "testiampermissions management.azure.com container.googleapis.com compute.googleapis.com www.googleapis.com",
    "cloudresourcemanager.googleapis.com true false",
)
"""Words of paths and names that the vendors chose, in small letters."""

PLAIN_KEYS: Final = _words(
    "Action Version status state code Code errorCode type Type mode provisioningState powerState osType osSKU vmSize",
    "scaleSetPriority scaleDownMode capacityType amiType instanceTypes machineType InstanceType LifecycleState",
    "HealthStatus kind canonicalCode operationType reason domain actions notActions permissions",
)
"""Keys whose values are the vendors' words: statuses, codes, kinds of machines, names of permissions."""

SENTENCES: Final = _words("message Message errorMessage statusMessage detail words problem error_description")
"""Keys whose values are sentences of a vendor."""

USERS_KEYS: Final = _words("labels nodeLabels tags Tags resourceLabels metadata taints nodeTaints")
"""Keys whose content is all a user's own: left out."""

HEADERS: Final = _words("content-type date retry-after x-amz-retry-after x-amzn-errortype azure-asyncoperation")
"""Headers of answers that are kept; those of requests carry the login and never come here."""

_KEPT: Final = re.compile(
    r"\d{1,6}"  # a number that is no account's and no project's
    r"|v?\d+\.\d+(?:\.\d+)?(?:-(?:gke|eks)[.\w]*)?"  # a version
    r"|\d{4}-\d\d-\d\d"
    r"|(?:us|eu|ap|ca|sa|me|af|il|mx|cn|europe|asia|northamerica|southamerica|australia|africa)"
    r"(?:-gov|-iso[a-z]?)?-(?:central|north|south|east|west|northeast|northwest|southeast|southwest)-?\d\d?(?:-?[a-f])?"
    r"|(?:eks|autoscaling|sts)\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?"
)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_DATE_OF_HTTP: Final = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_GUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"([^\w.-]+)")
_PART: Final = r"(?:[A-Za-z]{1,40}|\d{0,4}[A-Za-z][A-Za-z0-9]{0,11}|\d{1,4})"
_WORD: Final = re.compile(rf"(?=[A-Za-z]){_PART}(?:[_.:/-]{_PART}){{0,8}}")
"""A vendor's word: parts that one can say, or short ones with digits; no token is like that."""
_LEAF: Final = re.compile(r"<(\w+)>([^<]*)</\1>")


class Redaction:
    """Pseudonyms of one file: equal words (capitals or not) get equal ones, in the order of their coming."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """`names` are known to be a user's own, also where they look like ordinary words."""
        self._known: dict[str, str] = {}
        for name in names:
            self.text(name)

    def text(self, text: str) -> str:
        """A path, an ARN, a URL or a name: word by word."""
        if _TIME.fullmatch(text) or _DATE_OF_HTTP.fullmatch(text):
            return text
        return "".join(part if _BETWEEN.fullmatch(part) else self._word(part) for part in _BETWEEN.split(text))

    def sentence(self, text: str) -> str:
        """A sentence: ordinary words stay, unless they are names that came before."""
        return "".join(part if not part.strip() else self._spoken(part) for part in re.split(r"(\s+)", text))

    def value(self, value: Any, key: str = "") -> Any:
        """JSON, by the keys above."""
        if key in USERS_KEYS and value:
            return type(value)() if isinstance(value, dict | list) else ""
        match value:
            case str():
                return self._string(value, key)
            case list():
                return [self.value(each, key) for each in value]
            case dict():
                return {self._key(name): self.value(each, name) for name, each in value.items()}
            case _:
                return value

    def body(self, text: str) -> Any:
        """A body: JSON, a form, or AWS's XML (as a text); anything else is left out with a word on its length."""
        if not text:
            return None
        if text.startswith("<"):
            return self._xml(text)
        try:
            return self.value(json.loads(text))
        except ValueError:
            form = parse_qsl(text)
            return {name: self.value(each, name) for name, each in form} if form else _left_out(text)

    def query(self, text: str) -> Mapping[str, str]:
        """A URL's query."""
        return {name: self.text(each) for name, each in parse_qsl(text)}

    def path(self, text: str) -> str:
        """A URL's path."""
        return self.text(unquote(text))

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """An answer's headers, those that are kept."""
        kept = {name.lower(): value for name, value in headers.items() if name.lower() in HEADERS}
        return {name: self._header(name, value) for name, value in kept.items()}

    def _header(self, name: str, value: str) -> str:
        if name == "content-type":
            return value.partition(";")[0]
        return self._string(value, "code" if name == "x-amzn-errortype" else name)

    def _string(self, value: str, key: str) -> str:
        if key in SENTENCES:
            return self.sentence(value)
        if key in PLAIN_KEYS and _WORD.fullmatch(value.replace("*", "x")):
            return value
        return self.text(value)

    def _key(self, name: str) -> str:
        """Keys are the vendors' own words; a map by zone or by name is not."""
        return name if re.fullmatch(r"[@$]?[A-Za-z]\w*", name) else self.text(name)

    def _word(self, word: str) -> str:
        low = word.lower()
        if not word or low in VOCABULARY or _KEPT.fullmatch(low) or not re.search(r"\w", word):
            return word
        return self._known.setdefault(low, self._pseudonym(low))

    def _pseudonym(self, low: str) -> str:
        number = len(self._known) + 1
        if _GUID.fullmatch(low):
            return f"00000000-0000-4000-8000-{number:012d}"
        if low.isdecimal():
            return f"{number:0{len(low)}d}"
        return f"name-{number}"

    def _spoken(self, word: str) -> str:
        bare = word.strip("\"'`().,:;!?")
        ordinary = re.fullmatch(r"[A-Za-z'-]{1,24}(:[A-Za-z]{1,40})?", bare) and not bare.lower().startswith("arn:")
        if not bare or (ordinary and bare.lower() not in self._known):
            return word
        return word.replace(bare, self.text(bare))

    def _xml(self, text: str) -> Any:
        """AWS's XML: texts stand in leaves only; anything that has them elsewhere is something else."""
        rest = re.sub(r"<[^<>]*>", "", _LEAF.sub("", text))
        if rest.strip() or "xmlns" not in text:
            return _left_out(text)
        return _LEAF.sub(
            lambda leaf: f"<{leaf[1]}>{escape(self._string(unescape(leaf[2]), leaf[1]))}</{leaf[1]}>", text
        )


def _left_out(text: str) -> Mapping[str, str]:
    return {"leftOut": f"{len(text)} characters that are neither JSON nor a form"}
