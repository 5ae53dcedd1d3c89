"""A Slipway stack: containerised jobs that start over HTTP. Each part is a file in `components/`."""

from pathlib import Path

import pulumi

from components import naming
from components.api_keys import ApiKeys, ApiKeysArgs, UsagePlans, UsagePlansArgs
from components.batch_platform import BatchPlatform, BatchPlatformArgs
from components.docs_site import DocsSite, DocsSiteArgs
from components.idempotency_table import IdempotencyTable, IdempotencyTableArgs
from components.network import Network, NetworkArgs
from components.optional_parts import add_functions, add_notifications, add_services
from components.pipeline import Pipeline, PipelineArgs
from components.reconciler import Reconciler, ReconcilerArgs
from components.results_store import ResultsStore, ResultsStoreArgs
from components.settings import Settings, load_settings
from components.shared_registry import SharedRegistry, SharedRegistryArgs
from components.trigger_api import TriggerApi, TriggerApiArgs

ROOT = Path(__file__).parent


def shared_stack(settings: Settings) -> None:
    """The repositories that the other stacks use, and nothing else."""
    prefix = naming.stack_prefix(settings.project, settings.stack)
    registry = SharedRegistry(prefix, SharedRegistryArgs(settings=settings))
    add_notifications(settings)
    pulumi.export("repositories", registry.repository_urls)


def pipelines_stack(settings: Settings) -> None:
    """The pipelines, and all that they share."""
    prefix = naming.stack_prefix(settings.project, settings.stack)
    tags = naming.tags(settings.project, settings.stack)
    network = Network(prefix, NetworkArgs(settings=settings.network, tags=tags))
    platform = BatchPlatform(prefix, BatchPlatformArgs(network=network, max_vcpus=settings.max_vcpus, tags=tags))
    store = ResultsStore(prefix, ResultsStoreArgs(settings=settings, tags=tags))
    idempotency = IdempotencyTable(
        f"{prefix}-idempotency", IdempotencyTableArgs(protect_data=settings.protect_data, tags=tags)
    )
    keys = ApiKeys(prefix, ApiKeysArgs(consumers=settings.consumers, tags=tags))
    pipelines = {
        pipeline.name: Pipeline(
            f"{prefix}-{pipeline.name}",
            PipelineArgs(
                root=ROOT,
                settings=settings,
                pipeline=pipeline,
                platform=platform,
                store=store,
                idempotency=idempotency,
                consumers=keys.consumers,
            ),
        )
        for pipeline in settings.pipelines
    }
    api = TriggerApi(
        prefix,
        TriggerApiArgs(
            settings=settings,
            functions={name: pipeline.function for name, pipeline in pipelines.items()},
            tags=tags,
        ),
    )
    UsagePlans(prefix, UsagePlansArgs(api=api, consumers=settings.consumers, keys=keys, tags=tags))
    Reconciler(
        f"{prefix}-reconciler",
        ReconcilerArgs(
            root=ROOT,
            platform=platform,
            log_retention_days=settings.log_retention_days,
            tags=tags,
            permissions_boundary=settings.permissions_boundary,
        ),
    )
    docs = DocsSite(f"{prefix}-docs", DocsSiteArgs(root=ROOT, settings=settings, api_url=api.url, tags=tags))
    add_functions(settings, pipelines)
    add_services(settings, pipelines, network)
    add_notifications(settings, platform)

    pulumi.export("apiUrl", api.url)
    pulumi.export("apiKeys", keys.values)
    pulumi.export("docsUrl", docs.url)
    pulumi.export("resultsBucket", store.results_bucket)
    pulumi.export("pipelines", {name: pipeline.summary for name, pipeline in pipelines.items()})


stack_settings = load_settings(ROOT)
if stack_settings.registry.repositories:
    shared_stack(stack_settings)
else:
    pipelines_stack(stack_settings)
