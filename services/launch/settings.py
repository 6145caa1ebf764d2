"""What launch must be told, besides what every service must: where its policy is."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from services.launch.domain.policy import Policy
from shared.runtime.settings import RuntimeSettings

DEFAULT_POLICY = Path(__file__).parent / "default_policy.yaml"


class LaunchSettings(RuntimeSettings):
    """The settings of launch."""

    policy_file: Path = DEFAULT_POLICY
    """Tiers, gates, freezes, trains: see default_policy.yaml for the shape."""


def load_policy(file: Path = DEFAULT_POLICY) -> Policy:
    """Read a policy; `extends` names another one, beside it, that gives the sections that are not there.

    Raises:
        ValueError: the file is no policy; says where and what was expected.
    """
    try:
        return Policy.model_validate_json(json.dumps(_read(file), default=str))
    except ValidationError as error:
        raise ValueError(f"{file.name}: {'; '.join(map(_say, error.errors()))}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{file.name}: {error}") from None


def _say(error: Any) -> str:
    """Where, and what was expected."""
    return f"{'.'.join(['$', *map(str, error['loc'])])}: {error['msg']}"


def _read(file: Path) -> Any:
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or "extends" not in content:
        return content
    return {**_read(file.parent / str(content.pop("extends"))), **content}
