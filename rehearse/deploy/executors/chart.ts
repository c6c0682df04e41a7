import * as fs from "node:fs";
import { apiOf, nameOf } from "./kubernetes";
import type { KubeObject } from "../kubernetes/api";
import { objectsOfArchive, renderWithHelm } from "../kubernetes/chart";
import type { Registration } from "../registration";
import type { Context, Done, Executor } from "./executor";

/** Inputs of kubernetes:helm.sh/v4:Chart, as far as this program uses them. */
interface ChartInputs {
  name?: string;
  chart: string;
  version?: string;
  repositoryOpts?: { repo?: string };
  namespace?: string;
  skipCrds?: boolean;
  skipAwait?: boolean;
  values?: Record<string, unknown>;
}

const IN_PLACE = "made in the place of the chart's controllers, whose pods are not real";

/**
 * A chart, object by object, as the provider does it: hooks are dropped, CRDs and namespaces come first, the rest at once.
 * One whose templates are plain YAML is read as it is; any other is rendered by helm. What can be neither read nor
 * rendered is not rehearsed. With it come the objects that its controllers would make, where these are not here.
 */
export const chart: Executor = async (registration, old, context) => {
  const inputs = registration.inputs as unknown as ChartInputs;
  const { name = registration.name } = inputs;
  const standIn = context.notRehearsed(name);
  const archive = fs.existsSync(inputs.chart) ? inputs.chart : undefined;
  const none = (message: string): Done => ({ outcome: "not rehearsed", id: "", outputs: { resources: [] }, message });
  if (!archive && standIn !== undefined) {
    return none(standIn);
  }
  const api = await apiOf(registration, context);
  context.waiting(`chart ${name} to be read`);
  let objects =
    archive === undefined ? undefined : await objectsOfArchive(archive, { skipCrds: inputs.skipCrds === true });
  if (!objects) {
    const { version, apiVersions } = await api.capabilities();
    objects = await renderWithHelm({ ...inputs, name, kubernetes: version, apiVersions });
    if (!objects) {
      return none(`chart ${name} has templates, and helm, which renders them, is not on PATH`);
    }
  }
  // Copies: an object without a namespace is given one below.
  const ofControllers = structuredClone([...context.inControllersPlace(name)]);
  objects = [...objects, ...ofControllers];
  const definitions = objects.filter(({ kind }) => kind === "CustomResourceDefinition");
  for (const object of objects) {
    if (
      object.metadata?.namespace === undefined &&
      (await isNamespaced(object, definitions, (one) => api.namespaced(one)))
    ) {
      object.metadata = { ...object.metadata, namespace: inputs.namespace ?? "default" };
    }
    if (inputs.skipAwait === true) {
      const annotations = { ...object.metadata?.annotations, "pulumi.com/skipAwait": "true" };
      object.metadata = { ...object.metadata, annotations };
    }
  }
  const standInOf = (object: KubeObject) => standIn ?? (ofControllers.includes(object) ? IN_PLACE : undefined);
  const first = objects.filter(({ kind }) => kind === "CustomResourceDefinition" || kind === "Namespace");
  const rest = objects.filter((object) => !first.includes(object));
  const before = await carryOut(registration, first, [], standInOf, context);
  const after = await carryOut(registration, rest, before.urns, standInOf, context);
  const parts = [...before.parts, ...after.parts];
  const failed = parts.filter((part) => part === undefined).length;
  if (failed > 0) {
    throw new Error(`${failed} of the ${parts.length} objects of chart ${name} failed`);
  }
  const skipped = parts.filter((part) => part?.outcome === "not rehearsed").length;
  const changed = parts.some((part) => part?.outcome === "created" || part?.outcome === "updated");
  return {
    outcome: !old ? "created" : changed ? "updated" : "same",
    id: "",
    outputs: { resources: [] },
    standIn,
    message:
      skipped === 0 ? undefined : `${skipped} of its ${parts.length} objects are of kinds that are not served here`,
  };
};

async function carryOut(
  registration: Registration,
  objects: readonly KubeObject[],
  dependencies: readonly string[],
  standInOf: (object: KubeObject) => string | undefined,
  context: Context,
): Promise<{ parts: (Done | undefined)[]; urns: string[] }> {
  const registrations = objects.map((object) => partOf(registration, object, dependencies));
  const parts = await Promise.all(registrations.map((part, index) => context.part(part, standInOf(objects[index]))));
  return { parts, urns: registrations.map(({ urn }) => urn) };
}

/** An object of a chart as the provider registers it (pulumi-kubernetes provider/pkg/provider/yaml/v2/yaml.go). */
export function partOf(parent: Registration, object: KubeObject, dependencies: readonly string[]): Registration {
  const { apiVersion = "v1", kind = "" } = object;
  const type = `kubernetes:${apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`}:${kind}`;
  const name = `${parent.name}:${nameOf(object)}`;
  const [prefix, stack, types] = parent.urn.split("::");
  return {
    urn: `${prefix}::${stack}::${types}$${type}::${name}`,
    type,
    name,
    parent: parent.urn,
    custom: true,
    remote: false,
    inputs: object,
    secretKeys: kind === "Secret" ? ["data", "stringData"] : [],
    secrets: [],
    dependencies: [...parent.dependencies, ...dependencies],
    provider: parent.provider,
    deletedWith: parent.deletedWith,
  };
}

async function isNamespaced(
  object: KubeObject,
  definitions: readonly KubeObject[],
  ask: (object: KubeObject) => Promise<boolean>,
): Promise<boolean> {
  const definition = definitions
    .map(({ spec }) => spec as { group: string; scope: string; names: { kind: string } })
    .find(({ group, names }) => names.kind === object.kind && object.apiVersion?.startsWith(`${group}/`));
  // A kind that nobody knows is asked about again, and named, when it is applied.
  return definition ? definition.scope === "Namespaced" : ask(object).catch(() => false);
}
