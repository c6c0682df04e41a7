import { CustomResource } from "@pulumi/kubernetes/apiextensions";
import type * as pulumi from "@pulumi/pulumi";

/** A custom resource as plain data. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: Record<string, unknown>;
}

/**
 * The annotation that makes Pulumi wait until all of the expressions hold, each `condition=Type[=Status]` or
 * `jsonpath={...}[=value]` (pulumi-kubernetes v4.32 provider/pkg/metadata/overrides.go, ReadyCondition).
 */
export function waitFor(...expressions: [string, ...string[]]): Record<string, string> {
  return { "pulumi.com/waitFor": expressions.length === 1 ? expressions[0] : JSON.stringify(expressions) };
}

export function applyManifest(name: string, manifest: Manifest, opts: pulumi.CustomResourceOptions): CustomResource {
  return new CustomResource(name, { ...manifest }, opts);
}
