"""What launch must be told, besides what every service must: where its policy is."""

import json
from pathlib import Path

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
    """Read a policy.

    Raises:
        ValueError: the file is no policy; says where and what was expected.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Policy.model_validate_json(json.dumps(content, default=str))
    except (yaml.YAMLError, ValidationError) as error:
        raise ValueError(f"{file.name}: {error}") from None
