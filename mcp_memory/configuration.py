"""Model settings belong to the store: they are kept in its data folder, readable by its owner only.

One worker serves every host of a store, so that what one host's `env` block says must reach a worker that another
host started. The first host that names a model sets it; a host that names another one is told, not obeyed;
`mcp-memory configure` changes it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from mcp_memory.embedded.home import Home, write_private
from mcp_memory.errors import Unavailable
from mcp_memory.settings import ModelSettings, Settings

CREDENTIALS = ("_API_KEY", "_API_BASE", "_API_VERSION")
"""Ends of the variables by which litellm's providers are reached; kept beside the models that need them."""
CREDENTIAL_PREFIXES = (
    "AWS_ACCESS_",
    "AWS_SECRET_",
    "AWS_SESSION_",
    "AWS_REGION",
    "AZURE_",
    "VERTEXAI_",
    "GOOGLE_APPLICATION_",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfiguration:
    """The models of a store, and the variables that their providers need."""

    models: ModelSettings = field(default_factory=ModelSettings)
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)

    def differences(self, given: ModelSettings) -> list[str]:
        """In words, what a host asks for and does not get."""
        stored, asked, default = asdict(self.models), asdict(given), asdict(ModelSettings())
        return [
            f"{name.upper()}={asked[name]!r} is not applied: this store uses {stored[name]!r}; "
            "`mcp-memory configure` changes it"
            for name in asked
            if asked[name] not in (default[name], stored[name])
        ]


def read(home: Home) -> StoreConfiguration | None:
    """What the store was configured with; None where nobody named a model yet.

    Raises:
        Unavailable: the file cannot be read.
    """
    try:
        row: dict[str, Any] = json.loads(home.models.read_text())
        return StoreConfiguration(models=ModelSettings(**row["models"]), environment=row["environment"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{home.models} cannot be read; mend or delete it, then `mcp-memory configure`") from error


def write(home: Home, configuration: StoreConfiguration) -> None:
    """Keep it, readable by the owner only."""
    row = {"models": asdict(configuration.models), "environment": dict(configuration.environment)}
    write_private(home.models, json.dumps(row, indent=2).encode())


def of_store(home: Home, settings: Settings, environ: Mapping[str, str] = os.environ) -> StoreConfiguration:
    """The store's configuration; where it has none, what this process was told, kept for all others."""
    stored = read(home)
    if stored is not None:
        return stored
    given = StoreConfiguration(models=settings.models, environment=credentials(environ))
    if settings.models_given:
        write(home, given)
    return given


def changed(
    configuration: StoreConfiguration, models: Mapping[str, str | None], environ: Mapping[str, str]
) -> StoreConfiguration:
    """The configuration with other models, and with the credentials of this process added."""
    return StoreConfiguration(
        models=replace(configuration.models, **models),
        environment={**configuration.environment, **credentials(environ)},
    )


def credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables among these that a provider needs."""
    return {
        name: value
        for name, value in environ.items()
        if value and (name.endswith(CREDENTIALS) or name.startswith(CREDENTIAL_PREFIXES))
    }
