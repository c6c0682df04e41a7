import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import type { RecordedResource } from "../../plan/record";
import { unwrap } from "./wire";

/** A resource as the program registers it, as far as it is carried out. */
export interface Registration extends Pick<
  RecordedResource,
  "urn" | "type" | "name" | "parent" | "custom" | "remote" | "dependencies" | "provider" | "deletedWith"
> {
  /** Plain data, secrets in clear. */
  inputs: Record<string, unknown>;
  /** Top-level keys of inputs, and of outputs, that are secret. */
  secretKeys: string[];
  /** Every text that is secret. */
  secrets: string[];
  /** Seconds it may take to be made, where the program says so. */
  timeoutSeconds?: number;
}

const ROOT = "pulumi:pulumi:Stack";

/** The URN by which the engine calls a resource (pulumi/pulumi sdk/go/common/resource/urn). */
export function urnOf(stack: string, project: string, request: { type: string; name: string; parent: string }): string {
  const parentType = request.parent.split("::")[2] ?? "";
  const prefix = parentType === "" || parentType === ROOT ? "" : `${parentType}$`;
  return `urn:pulumi:${stack}::${project}::${prefix}${request.type}::${request.name}`;
}

/** Reads a request of the SDK. */
export function registrationOf(stack: string, project: string, request: RegisterResourceRequest): Registration {
  const [type, name, parent] = [request.getType(), request.getName(), request.getParent()];
  const { inputs, secretKeys, secrets } = unwrap(request.getObject()?.toJavaScript() ?? {});
  const remote = request.getRemote();
  // A chart is told its provider by package, an object by reference.
  const provider = request.getProvider() || request.getProvidersMap().get(type.split(":")[0]) || undefined;
  const dependencies = new Set(request.getDependenciesList());
  if (provider !== undefined) {
    dependencies.add(provider.slice(0, provider.lastIndexOf("::")));
  }
  return {
    urn: urnOf(stack, project, { type, name, parent }),
    type,
    name,
    parent: parent || undefined,
    custom: request.getCustom(),
    remote,
    inputs,
    secretKeys: [...new Set([...secretKeys, ...request.getAdditionalsecretoutputsList()])],
    secrets,
    dependencies: [...dependencies].sort(),
    provider,
    deletedWith: request.getDeletedwith() || undefined,
    timeoutSeconds: seconds(request.getCustomtimeouts()?.getCreate()),
  };
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** Seconds of a duration in Go's form, as `1h30m`. */
export function seconds(duration: string | undefined): number | undefined {
  const parts = [...(duration ?? "").matchAll(/(\d+(?:\.\d+)?)([smh])/g)];
  return parts.length === 0 ? undefined : parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0);
}
