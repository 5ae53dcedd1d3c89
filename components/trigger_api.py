"""The REST API in front of the trigger functions."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import apigateway, lambda_

from components.gateway_plan import PREFLIGHT_PATH, VALIDATORS, GatewayPlan, PlannedMethod, Preflight, plan_gateway
from components.settings import Settings
from components.trigger_function import TriggerFunction


@dataclass(frozen=True, kw_only=True)
class TriggerApiArgs:
    settings: Settings
    """The API's document, from which each method, model and parameter comes; the pipelines' schemas; `corsOrigins`,
    `stageName`."""
    functions: Mapping[str, TriggerFunction]
    """Pipeline -> what answers its methods."""
    tags: Mapping[str, str]


class TriggerApi(pulumi.ComponentResource):
    """A regional REST API: every method of the document with a key, Lambda proxy integration and request validation.

    Separate resources, not an OpenAPI body: a preview and a policy see each method.
    """

    api_id: pulumi.Output[str]
    stage_name: pulumi.Output[str]
    url: pulumi.Output[str]
    """Of the stage, without a slash at the end."""

    def __init__(self, name: str, args: TriggerApiArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:components:TriggerApi", name, None, opts)
        self._name = name
        settings = args.settings
        plan = plan_gateway(
            settings.api_template,
            schemas={pipeline.name: pipeline.schema for pipeline in settings.pipelines},
            function_names={pipeline: function.function_name for pipeline, function in args.functions.items()},
            cors_origins=settings.cors_origins,
        )
        self._api = apigateway.RestApi(
            name,
            name=name,
            description=f"Jobs of {', '.join(args.functions)}",
            api_key_source="HEADER",
            endpoint_configuration=apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        resources = self._resources(plan)
        deployed = [
            *self._errors(plan),
            *self._methods(plan, resources, args.functions),
            *self._preflight(plan.preflight, resources[PREFLIGHT_PATH]),
        ]
        deployment = apigateway.Deployment(
            name,
            rest_api=self._api.id,
            triggers={"api": plan.fingerprint()},
            opts=pulumi.ResourceOptions(parent=self, depends_on=deployed, delete_before_replace=False),
        )
        stage = apigateway.Stage(
            name,
            rest_api=self._api.id,
            deployment=deployment.id,
            stage_name=settings.stage_name,
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._permissions(args)
        self.api_id = self._api.id
        self.stage_name = stage.stage_name
        self.url = stage.invoke_url
        self.register_outputs({"apiId": self.api_id, "stageName": self.stage_name, "url": self.url})

    def _resources(self, plan: GatewayPlan) -> dict[str, pulumi.Output[str]]:
        """Path -> id of its resource."""
        ids: dict[str, pulumi.Output[str]] = {"": self._api.root_resource_id}
        for path in plan.paths:
            parent, _, part = path.rpartition("/")
            resource = apigateway.Resource(
                self._named(path),
                rest_api=self._api.id,
                parent_id=ids[parent],
                path_part=part,
                opts=pulumi.ResourceOptions(parent=self),
            )
            ids[path] = resource.id
        return ids

    def _errors(self, plan: GatewayPlan) -> list[pulumi.Resource]:
        return [
            apigateway.Response(
                f"{self._name}-{error.response_type.lower().replace('_', '-')}",
                rest_api_id=self._api.id,
                response_type=error.response_type,
                status_code=error.status_code,
                response_parameters=error.headers,
                response_templates=error.templates,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for error in plan.errors
        ]

    def _methods(
        self,
        plan: GatewayPlan,
        resources: Mapping[str, pulumi.Output[str]],
        functions: Mapping[str, TriggerFunction],
    ) -> list[pulumi.Resource]:
        """Methods and their integrations, the last thing of each method that a deployment must wait for."""
        own = pulumi.ResourceOptions(parent=self)
        models = {
            model: apigateway.Model(
                f"{self._name}-{model}",
                rest_api=self._api.id,
                name=model,
                content_type="application/json",
                schema=schema,
                opts=own,
            )
            for model, schema in plan.models.items()
        }
        validators = {
            role: apigateway.RequestValidator(
                f"{self._name}-{role}",
                rest_api=self._api.id,
                name=role,
                validate_request_body=body,
                validate_request_parameters=parameters,
                opts=own,
            )
            for role, (body, parameters) in VALIDATORS.items()
        }
        return [
            self._method(
                method,
                resources[method.operation.path],
                models[method.model].name if method.model else None,
                validators[method.validator].id,
                functions[method.operation.pipeline].invoke_arn,
            )
            for method in plan.methods
        ]

    def _method(
        self,
        planned: PlannedMethod,
        resource_id: pulumi.Output[str],
        model: pulumi.Output[str] | None,
        validator_id: pulumi.Output[str],
        invoke_arn: pulumi.Output[str],
    ) -> pulumi.Resource:
        operation = planned.operation
        name = f"{self._named(operation.path)}-{operation.method.lower()}"
        method = apigateway.Method(
            name,
            rest_api=self._api.id,
            resource_id=resource_id,
            http_method=operation.method,
            operation_name=operation.operation_id,
            authorization="NONE",
            api_key_required=planned.api_key_required,
            request_models={"application/json": model} if model else None,
            request_parameters=operation.request_parameters or None,
            request_validator_id=validator_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return apigateway.Integration(
            name,
            rest_api=self._api.id,
            resource_id=resource_id,
            http_method=method.http_method,
            type=planned.integration,
            integration_http_method="POST",  # how Lambda is invoked, whatever the method
            uri=invoke_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _preflight(self, preflight: Preflight, resource_id: pulumi.Output[str]) -> list[pulumi.Resource]:
        name = f"{self._name}-preflight"
        own = pulumi.ResourceOptions(parent=self)
        method = apigateway.Method(
            name,
            rest_api=self._api.id,
            resource_id=resource_id,
            http_method="OPTIONS",
            authorization="NONE",
            api_key_required=preflight.api_key_required,
            opts=own,
        )
        # No integration_http_method: AWS drops it from a MOCK integration, which would then be replaced for ever.
        integration = apigateway.Integration(
            name,
            rest_api=self._api.id,
            resource_id=resource_id,
            http_method=method.http_method,
            type=preflight.integration,
            passthrough_behavior="WHEN_NO_MATCH",
            request_templates=preflight.request_templates,
            opts=own,
        )
        response = apigateway.MethodResponse(
            name,
            rest_api=self._api.id,
            resource_id=resource_id,
            http_method=method.http_method,
            status_code=preflight.status_code,
            response_parameters={f"method.response.header.{header}": False for header in preflight.headers},
            opts=own,
        )
        return [
            apigateway.IntegrationResponse(
                name,
                rest_api=self._api.id,
                resource_id=resource_id,
                http_method=method.http_method,
                status_code=response.status_code,
                response_parameters={
                    f"method.response.header.{header}": f"'{value}'" for header, value in preflight.headers.items()
                },
                response_templates=preflight.response_templates or None,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[integration]),
            )
        ]

    def _permissions(self, args: TriggerApiArgs) -> None:
        """Each function may be invoked by its own pipeline's methods of this stage."""
        for pipeline, function in args.functions.items():
            lambda_.Permission(
                f"{self._name}-{pipeline}",
                statement_id="api",
                action="lambda:InvokeFunction",
                function=function.name,
                principal="apigateway.amazonaws.com",
                source_arn=pulumi.Output.concat(self._api.execution_arn, f"/{args.settings.stage_name}/*/{pipeline}/*"),
                # Another stage name is another permission, and AWS takes no second one under the same statement id.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )

    def _named(self, path: str) -> str:
        """`NAME-wordcount/jobs/jobId`: slashes keep it apart from other names, as no name of ours has one."""
        return f"{self._name}-{path.strip('/').replace('{', '').replace('}', '')}"
